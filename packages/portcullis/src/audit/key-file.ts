/**
 * Decides which key signs, and how another takes its place on disk without a moment at which both or neither could.
 *
 * Beside the key lie its public half (`.pub`), that of each key before it (`.<id>.pub`) and `.history`, one line for each
 * succession. The line in the history is what counts: a new key that it does not name is thrown away, one that it names is
 * put in place at the next start. The old private key is overwritten at once: it can sign nothing any more that anybody
 * should believe, and would only be there to be stolen.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import {
  checkpointKeyId,
  type CheckpointSigner,
  checkpointSigner,
  createCheckpointKey,
  loadCheckpointKey,
  readCheckpointPublicKey,
} from './checkpoint.ts'
import type { Succession } from './key-body.ts'
import { chainsBelow, lastKeyOf } from './last-key.ts'
import { succession } from './succession.ts'

/** The key cannot be used as it stands; the message says what to do. */
export class AuditKeyError extends Error {
  override readonly name = 'AuditKeyError'
}

const MEND = 'run "portcullis audit rotate-key --lost", which starts a new key and says so in every chain'

/**
 * Reads the signing key, or creates it where there are no chains yet. Throws AuditKeyError when it is gone although there
 * are chains: a new one would look like that of whoever has taken the old one away.
 */
export function openAuditKey(path: string, chains: string): CheckpointSigner {
  finishRotation(path)
  const [known] = existsSync(path) ? [] : chainsBelow(chains)
  if (known !== undefined) {
    const gone = `the audit signing key ${path} is gone, but there are chains in ${chains}`
    throw new AuditKeyError(`${gone}; put the key back from a backup; if it is lost, ${MEND}`)
  }
  return mustBeInForce(path, checkpointSigner(loadCheckpointKey(path), readHistory(path)))
}

/** Puts a new key in the place of the one that is there. Throws what `openAuditKey` throws, and what the file system throws. */
export function rotateKeyFile(path: string, chains: string, now: number): CheckpointSigner {
  openAuditKey(path, chains)
  const old = loadCheckpointKey(path)
  return replace(path, (next) => succession(old, next, now))
}

/** Starts a new key where the old one is gone. Throws AuditKeyError when it is there, or when nobody can say which it was. */
export function replaceLostKey(path: string, chains: string, now: number): CheckpointSigner {
  finishRotation(path)
  if (existsSync(path)) throw new AuditKeyError(`the audit signing key ${path} is there; rotate it without --lost`)
  const ids = new Set(chainsBelow(chains).flatMap(({ directory }) => lastKeyOf(directory) ?? []))
  const [old, other] = ids
  if (old === undefined) throw new AuditKeyError(`no chain in ${chains} was ever signed, so no key is lost`)
  if (other !== undefined)
    throw new AuditKeyError(`the chains in ${chains} were signed last by different keys, ${[...ids].join(' and ')}`)
  return replace(path, (next) => succession(old, next, now))
}

/** Public keys by id: the one in force first, and all before it that are here. Throws what the file system throws. */
export function publicAuditKeys(path: string): ReadonlyMap<string, KeyObject> {
  const older = readHistory(path).map(({ old }) => `${path}.${old}.pub`)
  return new Map([`${path}.pub`, ...older.filter((file) => existsSync(file))].map(readCheckpointPublicKey))
}

/** The oldest first; none when no key was ever replaced. Throws AuditKeyError for a history that cannot be read. */
export function readHistory(path: string): readonly Succession[] {
  const file = `${path}.history`
  if (!existsSync(file)) return []
  try {
    // A line without its end was never in force.
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Succession)
  } catch (cause) {
    throw new AuditKeyError(`${file} is damaged; put it back from a backup`, { cause })
  }
}

function replace(path: string, follow: (next: KeyObject) => Succession): CheckpointSigner {
  const draft = `${path}.next`
  createCheckpointKey(draft)
  const history = `${path}.history`
  dropTornLine(history)
  append(history, `${JSON.stringify(follow(loadCheckpointKey(draft)))}\n`)
  finishRotation(path)
  return checkpointSigner(loadCheckpointKey(path), readHistory(path))
}

/** After a crash too: what the history names is put in place, what it does not name is removed. */
function finishRotation(path: string): void {
  const draft = `${path}.next`
  const last = readHistory(path).at(-1)
  const next = existsSync(draft) ? publicHalfOf(draft) : undefined
  if (next !== undefined && last !== undefined && checkpointKeyId(next) === last.key) {
    const isStillOld = existsSync(`${path}.pub`) && readCheckpointPublicKey(`${path}.pub`)[0] === last.old
    if (isStillOld) renameSync(`${path}.pub`, `${path}.${last.old}.pub`)
    writeFileSync(`${path}.pub`, next.export({ type: 'spki', format: 'pem' }), { mode: 0o644, flush: true })
    renameSync(draft, path)
    syncNames(path)
  }
  rmSync(draft, { force: true })
  rmSync(`${draft}.pub`, { force: true })
}

/** Undefined for a draft that a crash has cut short. */
function publicHalfOf(draft: string): KeyObject | undefined {
  try {
    return createPublicKey(loadCheckpointKey(draft))
  } catch {
    return undefined
  }
}

/** A key that was put back from an old backup would sign what nobody believes. */
function mustBeInForce(path: string, signer: CheckpointSigner): CheckpointSigner {
  const last = signer.successions.at(-1)
  if (last === undefined || last.key === signer.keyId) return signer
  const wrong = `the audit signing key ${path} is ${signer.keyId}, but ${last.key} took its place`
  throw new AuditKeyError(`${wrong}; put that one back from a backup; if it is lost, move this one away and ${MEND}`)
}

/** Mode 0644: there is nothing secret in it. */
function append(file: string, line: string): void {
  const descriptor = openSync(file, 'a', 0o644)
  try {
    writeSync(descriptor, line)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  syncNames(file)
}

function dropTornLine(file: string): void {
  if (!existsSync(file)) return
  const text = readFileSync(file)
  const whole = text.lastIndexOf(0x0a) + 1
  if (whole < text.length) truncateSync(file, whole)
}

function syncNames(file: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
