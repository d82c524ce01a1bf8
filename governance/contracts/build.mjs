// Compiles the contracts and keeps the results that the Rust side reads.
//
//   node build.mjs           writes artifacts/<Name>.json
//   node build.mjs --check   compiles again and exits 1, naming what differs
//
// The output depends on the sources and the compiler alone: no path, time or
// metadata hash is part of it, so everybody's build is the same to the byte.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const solc = require("solc");
const here = dirname(fileURLToPath(import.meta.url));

/** Each artifact, and the source that declares the contract. */
const ARTIFACTS = {
  AwkwardWallet: "test/SmartWallet.sol",
  DemoGovernor: "src/DemoGovernor.sol",
  GenerativeToken: "src/GenerativeToken.sol",
  LogAnchor: "src/LogAnchor.sol",
  ParameterRegistry: "src/ParameterRegistry.sol",
  SignatureCheck: "src/SignatureCheck.sol",
  SmartWallet: "test/SmartWallet.sol",
  SmartWalletFactory: "test/SmartWallet.sol",
  TimelockController: "@openzeppelin/contracts/governance/TimelockController.sol",
  ValidationRegistry: "src/ValidationRegistry.sol",
  VoteToken: "src/VoteToken.sol",
};

/** The limit of EIP-170; a larger contract could not be deployed. */
const MAX_CODE_BYTES = 24_576;

/** What to give out of each source. */
const outputs = {};
for (const [name, source] of Object.entries(ARTIFACTS)) {
  outputs[source] = { ...outputs[source], [name]: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] };
}

/** The same settings as in foundry.toml. */
const SETTINGS = {
  evmVersion: "prague",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: outputs,
};

function compile() {
  const ours = readdirSync(join(here, "src"))
    .filter((file) => file.endsWith(".sol"))
    .map((file) => `src/${file}`);
  // Accounts that only tests need stand with the tests.
  const tests = Object.values(ARTIFACTS).filter((source) => source.startsWith("test/"));
  const sources = Object.fromEntries(
    [...new Set([...ours, ...tests])].sort().map((file) => [file, { content: readFileSync(join(here, file), "utf8") }]),
  );
  const input = { language: "Solidity", sources, settings: SETTINGS };
  const findImport = (path) => {
    try {
      return { contents: readFileSync(join(here, path.startsWith("src/") ? "" : "node_modules", path), "utf8") };
    } catch {
      return { error: `no source at ${path}` };
    }
  };

  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  // Warnings about the libraries are for their authors.
  const findings = (output.errors ?? []).filter(
    ({ severity, sourceLocation }) => severity === "error" || sourceLocation?.file.startsWith("src/"),
  );
  for (const finding of findings) {
    console.error(finding.formattedMessage);
  }
  if (findings.some((finding) => finding.severity === "error")) {
    process.exit(1);
  }
  return output.contracts;
}

function artifact(name, contract) {
  const { bytecode, deployedBytecode } = contract.evm;
  const size = deployedBytecode.object.length / 2;
  if (size > MAX_CODE_BYTES) {
    console.error(`${name} has ${size} bytes, and the limit is ${MAX_CODE_BYTES}`);
    process.exit(1);
  }
  const content = {
    contractName: name,
    abi: contract.abi,
    bytecode: { object: `0x${bytecode.object}` },
    deployedBytecode: { object: `0x${deployedBytecode.object}` },
  };
  return { text: `${JSON.stringify(content, null, 2)}\n`, size };
}

function committed(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

const check = process.argv.includes("--check");
const contracts = compile();
mkdirSync(join(here, "artifacts"), { recursive: true });

for (const [name, source] of Object.entries(ARTIFACTS)) {
  const path = join(here, "artifacts", `${name}.json`);
  const { text, size } = artifact(name, contracts[source][name]);
  if (!check) {
    writeFileSync(path, text);
    console.log(`artifacts/${name}.json, ${size} bytes of code`);
  } else if (committed(path) === text) {
    console.log(`artifacts/${name}.json is what the sources give`);
  } else {
    console.error(`artifacts/${name}.json differs from what the sources give; run \`node build.mjs\``);
    process.exitCode = 1;
  }
}
