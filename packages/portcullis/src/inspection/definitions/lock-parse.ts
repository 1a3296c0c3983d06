/** Reads a lock. Whatever is not exactly what a lock can say is an error with its line: a lock is believed whole or not at all. */
import { LineCounter, parseDocument } from 'yaml'
import { isRecord, type Params } from '../../mcp/message.ts'
import { ROLES } from '../../core/inspection-words.ts'
import type { Role } from '../role.ts'
import {
  type Approval,
  type Lock,
  LockError,
  type LockedUpstream,
  type LockSignature,
  recordedItem,
  type Waiting,
} from './lock.ts'

/** A text of this length holds some ten thousand tools. Whoever reads a file asks for its size first. */
export const MAX_LOCK_BYTES = 67_108_864

/** Throws LockError. Signatures are not verified here. */
export function parseLock(text: string): Lock {
  const { version, upstreams, signatures, ...strange } = members(parsed(text), 'the lock')
  none(strange, 'the lock')
  if (version !== 1) throw new LockError('version: this Portcullis reads version 1')
  return {
    upstreams: new Map(
      Object.entries(members(upstreams, 'upstreams')).map(([name, value]) => [name, upstreamOf(name, value)]),
    ),
    signatures: list(signatures).map(signatureOf),
  }
}

function parsed(text: string): unknown {
  if (text.length > MAX_LOCK_BYTES) throw new LockError('it is too large')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, schema: 'core', uniqueKeys: true, merge: false, strict: true })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    const { line } = lineCounter.linePos(problem.pos[0])
    throw new LockError(`line ${line}: ${problem.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? 'unreadable'}`)
  }
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    throw new LockError('it uses aliases', { cause })
  }
}

function upstreamOf(name: string, value: unknown): LockedUpstream {
  const { approved, waiting = {}, ...strange } = members(value, name)
  none(strange, name)
  const each = <Entry>(of: unknown, read: (key: string, value: unknown) => Entry): ReadonlyMap<string, Entry> =>
    new Map(Object.entries(members(of, name)).map(([key, entry]) => [key, read(key, entry)]))
  return { approved: each(approved, approvalOf), waiting: each(waiting, waitingOf) }
}

function approvalOf(key: string, value: unknown): Approval {
  const { by, at, ...rest } = members(value, key)
  return { ...told(key, rest), by: textOf(by, key, 'by'), at: textOf(at, key, 'at') }
}

function waitingOf(key: string, value: unknown): Waiting {
  const entry = members(value, key)
  if (entry['gone'] !== true) return told(key, entry)
  const { gone: _gone, ...strange } = entry
  none(strange, key)
  return { gone: true }
}

function told(key: string, entry: Params): Pick<Approval, 'item' | 'roles' | 'version'> {
  const { digest, fields, roles, version, ...strange } = entry
  none(strange, key)
  const item = recordedItem(key, new Map(Object.entries(members(fields, key))), textOf(digest, key, 'digest'))
  return {
    item,
    ...(roles !== undefined && { roles: rolesOf(key, members(roles, key)) }),
    ...(version !== undefined && { version: textOf(version, key, 'version') }),
  }
}

function rolesOf(key: string, roles: Params): ReadonlyMap<string, Role> {
  return new Map(
    Object.entries(roles).map(([pointer, value]) => {
      const role = ROLES.find((one) => one === value)
      if (role === undefined) throw new LockError(`${key}: roles: ${pointer}: expected one of ${ROLES.join(', ')}`)
      return [pointer, role]
    }),
  )
}

function signatureOf(value: unknown): LockSignature {
  const { key, by, at, signature, ...strange } = members(value, 'signatures')
  none(strange, 'signatures')
  const name = 'signatures'
  return {
    key: textOf(key, name, 'key'),
    by: textOf(by, name, 'by'),
    at: textOf(at, name, 'at'),
    signature: textOf(signature, name, 'signature'),
  }
}

function members(value: unknown, where: string): Params {
  if (isRecord(value)) return value
  throw new LockError(`${where}: expected a map`)
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new LockError('signatures: expected a list')
}

function textOf(value: unknown, where: string, member: string): string {
  if (typeof value === 'string') return value
  throw new LockError(`${where}: ${member} is missing or no text`)
}

function none(strange: Params, where: string): void {
  const [name] = Object.keys(strange)
  if (name !== undefined) throw new LockError(`${where}: unknown key ${JSON.stringify(name)}`)
}
