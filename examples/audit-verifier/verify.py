#!/usr/bin/env python3
"""Verifies audit chains and receipts of Portcullis.

Written from docs/reference/audit-chain.md alone, with nothing but Python 3.11 and its standard library, so that nobody has to
believe a gateway about its own records. Ed25519 follows RFC 8032 (section 5.1), canonical JSON follows RFC 8785.

    verify.py chain FOLDER... --key FILE... [--current FILE] [--witness FILE...]
    verify.py receipt FILE --key FILE... [--chains FOLDER]

FOLDER is the folder of one chain; several are verified one after the other. Exit status: 0 all is sound, 1 something is not.
"""

import argparse
import base64
import binascii
import functools
import hashlib
import json
import pathlib
import re
import sys

# ---------------------------------------------------------------------------------------------------------------- Ed25519

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def point_add(a, b):
    """Extended coordinates (X, Y, Z, T), section 5.1.4."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    first = (y1 - x1) * (y2 - x2) % P
    second = (y1 + x1) * (y2 + x2) % P
    third = 2 * t1 * t2 * D % P
    fourth = 2 * z1 * z2 % P
    e, f, g, h = second - first, fourth - third, fourth + third, second + first
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_multiply(scalar, point):
    result = NEUTRAL
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def is_same_point(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * SQRT_MINUS_1 % P
    if (x * x - square) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def decode_point(octets):
    y = int.from_bytes(octets, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, -1, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


@functools.lru_cache(maxsize=100_000)
def is_signed(public_key, message, signature):
    """Section 5.1.7. `public_key` has 32 octets."""
    if len(signature) != 64:
        return False
    key, commitment = decode_point(public_key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or s >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L
    return is_same_point(point_multiply(s, BASE), point_add(commitment, point_multiply(challenge, key)))


# ------------------------------------------------------------------------------------------------------------------- JSON


class Broken(Exception):
    """What is wrong, in a sentence."""


class Literal(str):
    """A number as it is written, so that writing it again changes nothing."""


def object_once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Broken("a member is there twice")
    return found


def refuse_constant(name):
    raise Broken(f"{name} is not JSON")


def parse_exact(text):
    try:
        return json.loads(
            text,
            object_pairs_hook=object_once,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=refuse_constant,
        )
    except ValueError as error:
        raise Broken("the line is not JSON") from error


def write_string(text):
    """As JSON.stringify does: only what must be escaped, and lone surrogates."""
    written = json.dumps(text, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match.group()):04x}", written)


def write_exact(value):
    """Members in their order, nothing between them."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, str):
        return write_string(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{write_string(k)}:{write_exact(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write_exact(item) for item in value) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def write_number(value):
    """As ECMAScript writes a number, which is what RFC 8785 (section 3.2.2.3) asks for."""
    number = float(value)
    if number == 0:
        return "0"
    if number != number or number in (float("inf"), float("-inf")):
        raise Broken("a number that is none")
    sign = "-" if number < 0 else ""
    digits, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{sign}{digits[0]}{'.' + digits[1:] if count > 1 else ''}{power}"


def canonical(value):
    """RFC 8785. Numbers are `Literal`."""
    if isinstance(value, Literal):
        return write_number(value)
    if isinstance(value, bool) or value is None:
        return write_exact(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return write_string(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{write_string(name)}:{canonical(value[name])}" for name in names) + "}"


def whole_number(value):
    if isinstance(value, Literal) and re.fullmatch(r"0|[1-9]\d{0,15}", value):
        return int(value)
    raise Broken("a number is not a whole one")


def text_of(value):
    if isinstance(value, str) and not isinstance(value, Literal):
        return value
    raise Broken("a member that has to be text is not")


HEX_64 = re.compile(r"[0-9a-f]{64}")


def hash_of(value):
    if isinstance(value, str) and HEX_64.fullmatch(value):
        return value
    raise Broken("a hash is not written as one")


def unbase64url(text):
    """One text for one value: spare bits and padding are refused."""
    try:
        octets = base64.urlsafe_b64decode(text_of(text) + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise Broken("a signature or key is not base64url") from error
    if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() != text:
        raise Broken("a signature or key is not written in its one form")
    return octets


# ------------------------------------------------------------------------------------------------------------------- keys

SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")


def key_id(spki):
    return hashlib.sha256(spki).hexdigest()[:32]


def raw_key(spki):
    if len(spki) != 44 or not spki.startswith(SPKI_PREFIX):
        raise Broken("a public key is not an Ed25519 key")
    return spki[len(SPKI_PREFIX) :]


def read_key(path):
    """PEM of a SubjectPublicKeyInfo to its id and its 32 octets."""
    body = re.search(r"-----BEGIN PUBLIC KEY-----(.+?)-----END PUBLIC KEY-----", pathlib.Path(path).read_text(), re.DOTALL)
    if body is None:
        raise Broken(f"{path} is no public key")
    spki = base64.b64decode("".join(body.group(1).split()))
    return key_id(spki), raw_key(spki)


def is_valid(public_key, context, statement, signature):
    message = f"{context}\n{canonical(statement)}".encode("utf-8", "surrogatepass")
    return is_signed(public_key, message, unbase64url(signature))


CHECKPOINT = "portcullis-audit-checkpoint-v1"


class Keys:
    """Whose signatures count."""

    def __init__(self, known):
        self.trusted = dict(known)
        self.retired = {}
        self.line = []
        self.signed_by = set()
        self.unknown = None
        self.signed = 0
        self.checkpoints = 0

    def enter(self, key):
        if key in self.retired:
            raise Broken(f"the key {key} was retired by record {self.retired[key]}")
        if not self.line:
            self.line.append(key)
        if self.line[-1] != key:
            raise Broken(f"the key {key} signs, but {self.line[-1]} is in force")

    def checkpoint(self, record, sequence, previous):
        key = text_of(record.get("key"))
        self.enter(key)
        self.checkpoints += 1
        if key not in self.trusted:
            self.unknown = key
            return
        statement = {
            "at": whole_number(record["at"]),
            "hash": previous,
            "key": key,
            "sequence": sequence - 1,
            "tenant": record["tenant"],
        }
        if not is_valid(self.trusted[key], CHECKPOINT, statement, record.get("signature")):
            raise Broken("the signature of the checkpoint is not valid")
        self.unknown = None
        self.signed_by.add(key)
        self.signed = sequence - 1

    def succession(self, record, sequence):
        old, key = text_of(record.get("old")), text_of(record.get("key"))
        self.enter(old)
        if key == old or key in self.retired:
            raise Broken(f"the key {key} was in force before")
        spki = unbase64url(record.get("publicKey"))
        new = raw_key(spki)
        if key_id(spki) != key:
            raise Broken("the new key is not the one that the record names")
        statement = {"key": key, "old": old, "publicKey": record["publicKey"], "since": whole_number(record.get("since"))}
        if "lost" in record:
            if record["lost"] is not True or "signature" in record:
                raise Broken("a lost key cannot have signed")
            statement["lost"] = True
        context = "portcullis-audit-key-v1"
        if not is_valid(new, context, statement, record.get("proof")):
            raise Broken("the new key has not signed the record of its own beginning")
        if "lost" not in record and old in self.trusted:
            if not is_valid(self.trusted[old], context, statement, record.get("signature")):
                raise Broken("the old key has not signed for the new one")
            self.trusted[key] = new
        self.retired[old] = sequence
        self.line.append(key)

    def end(self, current):
        if self.unknown is not None:
            raise Broken(f"the last checkpoint is signed with the unknown key {self.unknown}")
        if current is None or not self.line:
            return
        if current not in self.line or not self.signed_by.intersection(self.line[self.line.index(current) :]):
            raise Broken(f"the chain is not signed with the key {current}, which is in force")


# ------------------------------------------------------------------------------------------------------------------ chain

SEAL = re.compile(rb',"hash":"[0-9a-f]{64}"\}\Z')
SEAL_BYTES = 75
GENESIS = "0" * 64


def segments_of(folder):
    return sorted(path for path in pathlib.Path(folder).iterdir() if re.fullmatch(r"\d{15}\.jsonl", path.name))


def lines_of(path):
    content = path.read_bytes()
    lines = content.split(b"\n")
    if lines.pop() != b"":
        raise Broken(f"{path.name}: the last line is not complete")
    return lines


def open_line(line):
    """The record of a line whose hash is right."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken("the line is not UTF-8") from error
    record = parse_exact(text)
    if not isinstance(record, dict) or write_exact(record) != text:
        raise Broken("the line is not in its one form")
    if SEAL.search(line) is None:
        raise Broken("the line does not end with its hash")
    if hashlib.sha256(line[:-SEAL_BYTES]).hexdigest() != record["hash"]:
        raise Broken("the hash does not match the record")
    for name in ("tenant", "kind"):
        text_of(record.get(name))
    whole_number(record.get("at"))
    return record


def payload_digests(folder):
    """Digests of the payloads beside a chain, by number."""
    digests = {}
    place = pathlib.Path(folder) / "payloads"
    for path in segments_of(place) if place.is_dir() else []:
        for line in path.read_bytes().split(b"\n")[:-1]:
            number = re.match(rb'\{"n":(\d+),', line)
            if number:
                digests[int(number.group(1))] = hashlib.sha256(line).hexdigest()
    return digests


class Chain:
    def __init__(self, folder, known, current, witness):
        self.folder = pathlib.Path(folder)
        self.keys = Keys(known)
        self.current = current
        self.payloads = payload_digests(folder)
        self.tenant = None
        self.sequence, self.hash = 0, GENESIS
        self.records = 0
        self.claimed = None
        self.removed_by = None
        self.witness = witness
        self.seen = {}
        self.witnessed = 0

    def verify(self):
        segments = segments_of(self.folder)
        if not segments:
            raise Broken("there are no records")
        self.begin(segments[0])
        for path in segments:
            if path.name != f"{self.sequence + 1:015d}.jsonl":
                raise Broken(f"the segment {self.sequence + 1:015d}.jsonl is missing")
            lines = lines_of(path)
            if not lines and path != segments[-1]:
                raise Broken(f"{path.name}: the segment is empty")
            for number, line in enumerate(lines, 1):
                try:
                    self.record(open_line(line))
                except Broken as error:
                    raise Broken(f"{path.name}:{number}: {error}") from error
                except (KeyError, TypeError, AttributeError) as error:
                    raise Broken(f"{path.name}:{number}: the record lacks what its kind has to have") from error
        self.end()

    def begin(self, first):
        if first.name != f"{1:015d}.jsonl":
            head = re.match(rb'\{"seq":([1-9]\d{0,14}),"prev":"([0-9a-f]{64})",', first.read_bytes())
            if head is None or f"{int(head.group(1)):015d}.jsonl" != first.name:
                raise Broken("the first segment does not say where it begins")
            self.sequence, self.hash = int(head.group(1)) - 1, head.group(2).decode()
            self.claimed = (self.sequence, self.hash)
        for line in self.witness:
            if line["sequence"] > self.sequence:
                self.seen.setdefault(line["sequence"], set()).add(line["hash"])

    def record(self, record):
        sequence = whole_number(record.get("seq"))
        if sequence != self.sequence + 1:
            raise Broken(f"record {self.sequence + 1} expected, record {sequence} found")
        if record.get("prev") != self.hash:
            raise Broken("the record does not follow the one before it")
        self.tenant = self.tenant or record["tenant"]
        if record["tenant"] != self.tenant:
            raise Broken("the record belongs to another tenant")
        if record["kind"] == "checkpoint":
            self.keys.checkpoint(record, sequence, self.hash)
        if record["kind"] == "key":
            self.keys.succession(record, sequence)
        self.payload(record)
        self.removal(record, sequence)
        self.sequence, self.hash = sequence, record["hash"]
        self.records += 1
        if sequence in self.seen:
            if self.seen[sequence] != {self.hash}:
                raise Broken("the record is not the one that a witness saw")
            self.witnessed += 1

    def payload(self, record):
        mark = record.get("payload") if record["kind"] in ("call", "outcome") else None
        if mark is None:
            return
        number = whole_number(mark.get("n"))
        if number not in self.payloads:
            raise Broken(f"the payload {number} that the record names is missing")
        if self.payloads[number] != mark.get("digest"):
            raise Broken(f"the payload {number} is not the one that the record names")

    def removal(self, record, sequence):
        if self.claimed is None or record["kind"] != "change" or record.get("what") != "audit.segment-removed":
            return
        place = (record.get("detail") or {}).get("from") or {}
        if place.get("sequence") == str(self.claimed[0]) and place.get("hash") == self.claimed[1]:
            self.removed_by = sequence

    def end(self):
        if self.records == 0:
            raise Broken("there are no records")
        self.keys.end(self.current)
        last = max(self.seen, default=0)
        if last > self.sequence:
            raise Broken(f"the chain ends at record {self.sequence}, and a witness saw record {last}")
        for line in self.witness:
            if line["tenant"] != self.tenant or not self.is_genuine(line):
                raise Broken(f"no known key has signed what a witness says of record {line['sequence']}")
        if self.claimed is not None and not (self.removed_by is not None and self.keys.signed >= self.removed_by):
            raise Broken(f"records up to {self.claimed[0]} are missing, and no signed record says so")

    def is_genuine(self, line):
        if line["key"] not in self.keys.trusted:
            return False
        statement = {name: line[name] for name in ("at", "hash", "key", "sequence", "tenant")}
        try:
            return is_valid(self.keys.trusted[line["key"]], CHECKPOINT, statement, line["signature"])
        except Broken:
            return False


def read_witness(path):
    """The lines of a witness. What is no line of one is left out."""
    found = []
    for text in pathlib.Path(path).read_text(errors="replace").splitlines():
        try:
            value = parse_exact(text)
            line = {name: text_of(value[name]) for name in ("tenant", "key", "signature")}
            line.update({name: whole_number(value[name]) for name in ("sequence", "at")})
            line["hash"] = hash_of(value["hash"])
        except (Broken, KeyError, TypeError):
            continue
        found.append(line)
    return found


# --------------------------------------------------------------------------------------------------------------- receipts

RECEIPT = "dev.portcullis/receipt"


def folder_of(tenant):
    if re.fullmatch(r"@?[a-z0-9][a-z0-9_-]{0,62}", tenant):
        return tenant
    return "~" + hashlib.sha256(tenant.encode()).hexdigest()[:40]


def unwrap(value):
    """The receipt, and the result that it is in, if there is one."""
    if not isinstance(value, dict):
        raise Broken("there is no receipt")
    if "statement" in value:
        return value, None
    result = value["result"] if isinstance(value.get("result"), dict) else value
    meta = result.get("_meta")
    receipt = meta.get(RECEIPT) if isinstance(meta, dict) else None
    if not isinstance(receipt, dict):
        raise Broken("there is no receipt")
    others = {name: member for name, member in meta.items() if name != RECEIPT}
    bare = {name: member for name, member in result.items() if name != "_meta"}
    return receipt, ({**bare, "_meta": others} if others else bare)


def root_of(receipt):
    statement = receipt["statement"]
    leaf = f"portcullis-audit-receipt-v1\n{canonical(statement)}".encode("utf-8", "surrogatepass")
    own = hashlib.sha256(b"\x00" + leaf).digest()
    for step in receipt["path"]:
        (side, other), = step.items()
        other = bytes.fromhex(hash_of(other))
        if side not in ("left", "right"):
            raise Broken("the path of the receipt is not one")
        own = hashlib.sha256(b"\x01" + (other + own if side == "left" else own + other)).digest()
    return own.hex()


def verify_receipt(value, known, chains):
    receipt, result = unwrap(value)
    try:
        statement, key = receipt["statement"], text_of(receipt["key"])
        root = root_of(receipt)
        for name in ("hash", "arguments", "result"):
            hash_of(statement[name])
        tenant, incident = text_of(statement["tenant"]), text_of(statement["incident"])
        sequence, at = whole_number(statement["sequence"]), statement["at"]
        signature = receipt["signature"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Broken("the receipt is not one") from error
    if len(statement) != 7 or len(receipt) != 4:
        raise Broken("the receipt is not one")
    if key not in known:
        raise Broken(f"it is signed with the unknown key {key}")
    if not is_valid(known[key], "portcullis-audit-receipts-v1", {"key": key, "root": root}, signature):
        raise Broken("its signature is not valid")
    if result is not None:
        digest = hashlib.sha256(canonical(result).encode("utf-8", "surrogatepass")).hexdigest()
        if digest != statement["result"]:
            raise Broken("it is about another result")
    if chains is None:
        return "no chain was looked at"
    return look_up(pathlib.Path(chains) / folder_of(tenant), statement, sequence, incident, at)


def look_up(folder, statement, sequence, incident, at):
    segments = segments_of(folder) if folder.is_dir() else []
    if not segments:
        raise Broken("there is no chain of its tenant")
    if segments[0].name > f"{sequence:015d}.jsonl":
        return "the chain begins after it"
    asked = None
    for path in segments:
        for line in path.read_bytes().split(b"\n")[:-1]:
            record = open_line(line)
            if record["kind"] == "call" and record.get("incident") == incident:
                asked = record.get("arguments")
            if whole_number(record["seq"]) != sequence:
                continue
            is_it = record["kind"] == "outcome" and record.get("incident") == incident and record["at"] == at
            if record["hash"] != statement["hash"] or not is_it:
                raise Broken(f"the chain has another record {sequence}")
            if asked != statement["arguments"]:
                raise Broken("the call record in the chain is about other arguments")
            return "it is in the chain"
    raise Broken(f"the chain ends before record {sequence}")


# ---------------------------------------------------------------------------------------------------------------- command


def verify_chains(options, known):
    current = read_key(options.current) if options.current else None
    if current:
        known[current[0]] = current[1]
    witness = [line for path in options.witness for line in read_witness(path)]
    status = 0
    for folder in options.folders:
        own = [line for line in witness if folder_of(line["tenant"]) == pathlib.Path(folder).name or options.all_of_witness]
        chain = Chain(folder, known, current and current[0], own)
        try:
            chain.verify()
        except Broken as error:
            status = 1
            print(f"{folder}: BROKEN {error}")
            continue
        told = f"{chain.records} records, {chain.keys.checkpoints} checkpoints, {chain.sequence - chain.keys.signed} after the last signed one"
        print(f"{folder}: sound, {told}, {chain.witnessed} positions that witnesses saw")
    return status


def main():
    parser = argparse.ArgumentParser(description="verifies audit chains and receipts of Portcullis")
    commands = parser.add_subparsers(dest="command", required=True)
    chain = commands.add_parser("chain")
    chain.add_argument("folders", nargs="+", metavar="FOLDER", help="folder of one chain")
    chain.add_argument("--key", nargs="+", action="extend", default=[], help="public keys that you know, PEM")
    chain.add_argument("--current", help="public key under which the chains have to end, PEM")
    chain.add_argument("--witness", nargs="+", action="extend", default=[], help="files of witnesses")
    chain.add_argument(
        "--all-of-witness",
        action="store_true",
        help="every line of the witnesses is about the chains that are named, whatever their folders are called",
    )
    receipt = commands.add_parser("receipt")
    receipt.add_argument("file", help="a receipt, or a result that carries one, JSON")
    receipt.add_argument("--key", nargs="+", action="extend", required=True, help="public keys that you know, PEM")
    receipt.add_argument("--chains", help="folder that holds one folder for each chain")
    options = parser.parse_args()
    try:
        known = dict(read_key(path) for path in options.key)
        if options.command == "chain":
            return verify_chains(options, known)
        value = parse_exact(pathlib.Path(options.file).read_text())
        print(f"valid: {verify_receipt(value, known, options.chains)}")
        return 0
    except Broken as error:
        print(f"NOT VALID: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
