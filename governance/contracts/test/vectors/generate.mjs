// Writes parameter-set.json: what the hash of a parameter set must be.
//
//   node test/vectors/generate.mjs
//
// Solidity and Rust check themselves against that file, so this account of the
// encoding borrows from neither: Keccak and the ABI layout are spelled out here.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Keccak-256, from its definition: 25 lanes of 64 bits, 24 rounds, rate 136.

const MASK = (1n << 64n) - 1n;
const RATE = 136;

const rotate = (lane, by) => ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & MASK;

/** The round constants, from the generator's shift register x^8 + x^6 + x^5 + x^4 + 1. */
const ROUND_CONSTANTS = (() => {
  let register = 1;
  const bit = () => {
    const out = register & 1;
    register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
    return out;
  };
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j++) if (bit()) constant |= 1n << BigInt(2 ** j - 1);
    return constant;
  });
})();

function permute(a) {
  for (const constant of ROUND_CONSTANTS) {
    const column = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
    for (let x = 0; x < 5; x++) {
      const parity = column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1);
      for (let y = 0; y < 25; y += 5) a[x + y] ^= parity;
    }
    // Rotate along the lanes and move them, following one walk through the plane.
    let [x, y, carried] = [1, 0, a[1]];
    for (let t = 0; t < 24; t++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const turned = rotate(carried, (((t + 1) * (t + 2)) / 2) % 64);
      carried = a[x + 5 * y];
      a[x + 5 * y] = turned;
    }
    for (let row = 0; row < 25; row += 5) {
      const r = a.slice(row, row + 5);
      for (let i = 0; i < 5; i++) a[row + i] = r[i] ^ (~r[(i + 1) % 5] & MASK & r[(i + 2) % 5]);
    }
    a[0] ^= constant;
  }
}

function keccak256(bytes) {
  const padded = Buffer.alloc((Math.floor(bytes.length / RATE) + 1) * RATE);
  Buffer.from(bytes).copy(padded);
  padded[bytes.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;

  const lanes = Array(25).fill(0n);
  for (let block = 0; block < padded.length; block += RATE) {
    for (let i = 0; i < RATE / 8; i++) lanes[i] ^= padded.readBigUInt64LE(block + 8 * i);
    permute(lanes);
  }
  const digest = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) digest.writeBigUInt64LE(lanes[i], 8 * i);
  return digest;
}

// Known answers, so that a slip above cannot become everybody's truth.
for (const [text, digest] of [
  ["", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"],
  ["abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"],
]) {
  if (keccak256(Buffer.from(text)).toString("hex") !== digest) throw new Error(`Keccak of "${text}" is wrong`);
}

// Values and the ABI.

const hex = (bytes) => `0x${bytes.toString("hex")}`;
const word = (value) => {
  const unsigned = BigInt.asUintN(256, BigInt(value));
  return Buffer.from(unsigned.toString(16).padStart(64, "0"), "hex");
};
const left = (text) => Buffer.concat([Buffer.from(text), Buffer.alloc(32)], 32);

/** keccak256(abi.encode(bytes32 engine, uint64 revision, bytes32[] keys, bytes32[] hashes)) */
function parameterSetHash(engine, revision, parameters) {
  const sorted = [...parameters].sort((a, b) => Buffer.compare(a.key, b.key));
  const list = (items) => Buffer.concat([word(items.length), ...items]);
  const keys = list(sorted.map(({ key }) => key));
  const hashes = list(sorted.map(({ value }) => keccak256(value)));
  const head = [engine, word(revision), word(4 * 32), word(4 * 32 + keys.length)];
  return keccak256(Buffer.concat([...head, keys, hashes]));
}

const number = (name, type, value) => ({ name, type, key: left(name), value: word(value) });
const text = (name, value) => ({ name, type: "text", key: left(name), value: Buffer.from(value) });

const initial = [
  number("ink", "colour", 0x12324a),
  text("inscription", "first light"),
  number("layers", "integer", 12),
  number("mint.cadence", "integer", 18),
  number("mint.open", "toggle", 1),
  number("mint.price", "decimal", 400),
  number("mirror", "toggle", 0),
  number("moon.rarity", "integer", 20),
  number("palette", "choice", 0),
  number("royalty", "decimal", 500),
  number("season.closes", "time", 1798675200),
  number("swell", "decimal", 350),
];

const cases = [
  ["the initial set of tideline", "tideline", 1, initial],
  ["the initial set, one revision on and nothing else", "tideline", 2, initial],
  [
    "a cadence of 25 at revision 2",
    "tideline",
    2,
    initial.map((p) => (p.name === "mint.cadence" ? number(p.name, p.type, 25) : p)),
  ],
  ["an engine that nobody has defined", "untouched", 0, []],
  ["an empty engine id", "", 0, []],
  ["one text", "notice", 1, [text("inscription", "low water at noon")]],
  ["an empty text", "notice", 1, [text("inscription", "")]],
  ["a text beyond ASCII", "notice", 3, [text("inscription", "潮 — marée 🌊")]],
  ["a text longer than a word", "notice", 1, [text("inscription", "tide ".repeat(40))]],
  ["a text of 32 bytes", "notice", 1, [text("inscription", "a".repeat(32))]],
  ["a negative integer", "depths", 1, [number("depth", "integer", -7)]],
  [
    "the smallest and the largest integer",
    "depths",
    4,
    [number("most", "integer", 2n ** 255n - 1n), number("least", "integer", -(2n ** 255n))],
  ],
  [
    "keys that begin alike, given out of order",
    "order",
    5,
    [number("swell.b", "toggle", 1), number("swell", "toggle", 0), number("swell-a", "toggle", 1), number("swel", "toggle", 0)],
  ],
  ["a revision above 32 bits", "tideline", 4294967297, [number("mirror", "toggle", 1)]],
  ["a key of 32 characters", "order", 1, [number("abcdefghijklmnopqrstuvwxyz._-019", "toggle", 1)]],
];

const document = {
  about:
    "parameterSetHash = keccak256(abi.encode(bytes32 engine, uint64 revision, bytes32[] keys, bytes32[] hashes)), keys ascending, hashes the keccak256 of each value's canonical bytes. Parameters may be listed in any order.",
  cases: cases.map(([name, engine, revision, parameters]) => ({
    name,
    engineName: engine,
    engine: hex(left(engine)),
    revision,
    parameters: parameters.map((p) => ({ name: p.name, type: p.type, key: hex(p.key), value: hex(p.value) })),
    parameterSetHash: hex(parameterSetHash(left(engine), revision, parameters)),
  })),
};

writeFileSync(
  fileURLToPath(new URL("parameter-set.json", import.meta.url)),
  `${JSON.stringify(document, null, 2)}\n`,
);
console.log(`parameter-set.json, ${cases.length} cases`);
