#!/usr/bin/env python3
"""Checks a live log without any of its own code.

Fetches the checkpoint, every entry bundle and every tile below a base URL, and
checks the checkpoint's signature, that the entries lead to the signed root, and
that each tile holds exactly the hashes of the entries it covers. Written from
the C2SP documents (signed-note, tlog-checkpoint, tlog-tiles) and RFC 6962;
needs Python 3.9 and the `cryptography` package.

    verify_log.py http://127.0.0.1:3000/log [--vkey KEY]

Exits 0 when the log holds, 1 when it does not, 2 when called wrongly, 3 when it
cannot be reached. Without --vkey it trusts the key served at BASE/vkey, which
shows that the log agrees with itself, and not whose log it is.
"""

import argparse
import base64
import binascii
import gzip
import hashlib
import struct
import sys
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256


class Wrong(Exception):
    """The log does not hold."""


def require(condition, message):
    if not condition:
        raise Wrong(message)


def fetch(base, path):
    """The bytes served at a path; logs may serve gzip without being asked."""
    try:
        with urllib.request.urlopen(f"{base}/{path}", timeout=30) as response:
            body = response.read()
            return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body
    except urllib.error.HTTPError as error:
        raise Wrong(f"{path} is served with status {error.code}") from error


def decode(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(f"{text!r} is not base64") from error


def parse_vkey(text):
    """A verifier key `name+id+key` as (name, id, public key)."""
    require(text.count("+") >= 2, f"{text!r} is not a verifier key")
    name, key_id, key = text.split("+", 2)
    typed = decode(key)
    require(len(typed) == 33 and typed[0] == 1, "the verifier key is not an Ed25519 key")
    computed = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    require(computed.hex() == key_id, f"the verifier key's id is {key_id}, its key has {computed.hex()}")
    return name, computed, Ed25519PublicKey.from_public_bytes(typed[1:])


def open_checkpoint(note, vkey):
    """The origin, size and root of a checkpoint that the key has signed."""
    name, key_id, public = vkey
    text, separator, lines = note.decode().rpartition("\n\n")
    require(separator and lines.endswith("\n"), "the checkpoint is not a signed note")
    text += "\n"
    signed = False
    for line in lines.splitlines():
        parts = line.split(" ")
        require(len(parts) == 3 and parts[0] == "\u2014", f"{line!r} is not a signature line")
        signature = decode(parts[2])
        if (parts[1], signature[:4]) == (name, key_id):
            try:
                public.verify(signature[4:], text.encode())
            except InvalidSignature as error:
                raise Wrong(f"the signature by {name} does not fit the checkpoint") from error
            signed = True
    require(signed, f"the checkpoint is not signed by {name}")
    fields = text.split("\n")
    require(len(fields) == 4, "the checkpoint does not have three lines")
    origin, size, root = fields[:3]
    require(origin == name, f"the checkpoint is of {origin}, the key of {name}")
    require(size.isascii() and size.isdigit() and str(int(size)) == size, f"{size!r} is not a tree size")
    require(len(decode(root)) == 32, f"{root!r} is not a root")
    return origin, int(size), decode(root)


def tile_path(level, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


def tiles(count):
    """The index and width of each tile over `count` hashes or entries."""
    return [(start // WIDTH, min(WIDTH, count - start)) for start in range(0, count, WIDTH)]


def read_bundle(bundle, width, path):
    entries = []
    for _ in range(width):
        require(len(bundle) >= 2, f"{path} ends early")
        (length,) = struct.unpack(">H", bundle[:2])
        require(len(bundle) >= 2 + length, f"{path} ends inside an entry")
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    require(not bundle, f"{path} goes on after its last entry")
    return entries


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def tree_hash(hashes):
    """The Merkle tree hash of RFC 6962 over leaf or subtree hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    middle = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree_hash(hashes[:middle]) + tree_hash(hashes[middle:])).digest()


def check(base, vkey_text):
    vkey = parse_vkey(vkey_text or fetch(base, "vkey").decode().strip())
    origin, size, root = open_checkpoint(fetch(base, "checkpoint"), vkey)
    print(f"ok    checkpoint of {origin}: {size} entries, signed by {vkey[0]}+{vkey[1].hex()}")

    hashes = []
    for index, width in tiles(size):
        path = tile_path("entries", index, width)
        hashes += [leaf(entry) for entry in read_bundle(fetch(base, path), width, path)]
    computed = tree_hash(hashes)
    require(computed == root, f"the entries lead to root {computed.hex()}, signed is {root.hex()}")
    print(f"ok    root {root.hex()} recomputed from the entries")

    level, checked = 0, 0
    while hashes:
        for index, width in tiles(len(hashes)):
            path = tile_path(level, index, width)
            below = hashes[index * WIDTH :][:width]
            require(fetch(base, path) == b"".join(below), f"{path} does not hold the hashes of its entries")
            checked += 1
        full = len(hashes) // WIDTH * WIDTH
        hashes = [tree_hash(hashes[start : start + WIDTH]) for start in range(0, full, WIDTH)]
        level += 1
    print(f"ok    {checked} tiles on {level} levels hold the hashes of the entries")


def main():
    parser = argparse.ArgumentParser(description="Checks a live log without any of its own code.")
    parser.add_argument("base", help="the log's URL, such as http://127.0.0.1:3000/log")
    parser.add_argument("--vkey", help="the verifier key, obtained elsewhere")
    arguments = parser.parse_args()
    try:
        check(arguments.base.rstrip("/"), arguments.vkey)
    except (Wrong, UnicodeDecodeError, gzip.BadGzipFile) as error:
        print(f"WRONG {error}")
        return 1
    except OSError as error:
        print(f"the log cannot be reached: {error}")
        return 3
    print("the log holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
