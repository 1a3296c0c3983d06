/**
 * How a lock is written: YAML that fits a review, one line a field, always in the same order, with everything that cannot be
 * seen escaped. Comments tell what changed and what looks suspicious; they are made anew whenever the file is written.
 */
import { visibleJson, visibleText } from './hidden.ts'
import { changeText, differenceOf } from './difference.ts'
import type { Item } from './item.ts'
import type { Approval, Lock, LockedUpstream, Waiting } from './lock.ts'
import { suspicions } from './poisoning.ts'

const HEAD = `# What was read and approved of each MCP server, made by "portcullis lock". Review changes of this file like code:
# the texts below are what a model reads. Comments and what waits are not in force, and not signed.
version: 1
`
/** YAML 1.2 §7.4.2 allows longer keys only in their explicit form. */
const MAX_KEY_LENGTH = 1_000

export function lockText(lock: Lock): string {
  const upstreams = sorted(lock.upstreams).map(([name, upstream]) => upstreamText(name, upstream))
  const signatures = lock.signatures
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map((one) => `  - ${fieldLines(Object.entries(one), '    ').trimStart()}`)
  return `${HEAD}${section('upstreams', upstreams)}${section('signatures', signatures)}`
}

const section = (name: string, parts: readonly string[]): string =>
  parts.length === 0 ? `${name}: ${name === 'signatures' ? '[]' : '{}'}\n` : `${name}:\n${parts.join('')}`

function upstreamText(name: string, { approved, waiting }: LockedUpstream): string {
  const lines = [`  ${keyLine(name, '  ')}:\n`, '    approved:']
  lines.push(approved.size === 0 ? ' {}\n' : '\n')
  for (const [key, approval] of sorted(approved)) lines.push(entryText(key, approvalLines(approval)))
  if (waiting.size > 0) lines.push('    waiting:\n')
  for (const [key, one] of sorted(waiting)) lines.push(entryText(key, waitingLines(one, approved.get(key))))
  return lines.join('')
}

const entryText = (key: string, body: string): string => `      ${keyLine(key, '      ')}:\n${body}`

function approvalLines({ item, by, at, roles, version }: Approval): string {
  return `${notes(item)}${fieldLines(
    [
      ['digest', item.digest],
      ['by', by],
      ['at', at],
      ...(version === undefined ? [] : [['version', version] as const]),
    ],
    AT_ENTRY,
  )}${rolesText(roles)}${fieldsText(item)}`
}

function waitingLines(waiting: Waiting, before: Approval | undefined): string {
  if ('gone' in waiting) return `${AT_ENTRY}# the upstream offers this no more\n${AT_ENTRY}gone: true\n`
  const { item, roles, version } = waiting
  const changes = before === undefined ? [] : differenceOf(before.item.fields, item.fields).map(changeText)
  const told = before === undefined ? 'new' : 'changed'
  const lines = [told, ...changes].map((line) => `${AT_ENTRY}# ${line}\n`).join('')
  const head: (readonly [string, unknown])[] = [['digest', item.digest]]
  if (version !== undefined) head.push(['version', version])
  return `${lines}${notes(item)}${fieldLines(head, AT_ENTRY)}${rolesText(roles)}${fieldsText(item)}`
}

const AT_ENTRY = '        '
const AT_FIELD = '          '

const notes = (item: Item): string =>
  suspicions(item)
    .map(
      ({ reason, at, evidence }) => `${AT_ENTRY}# look: ${reason} at ${visibleText(at || 'its name')}: ${evidence}\n`,
    )
    .join('')

const rolesText = (roles: Approval['roles']): string =>
  roles === undefined || roles.size === 0 ? '' : `${AT_ENTRY}roles:\n${fieldLines(sorted(roles), AT_FIELD)}`

const fieldsText = ({ fields }: Item): string =>
  fields.size === 0 ? `${AT_ENTRY}fields: {}\n` : `${AT_ENTRY}fields:\n${fieldLines(sorted(fields), AT_FIELD)}`

const fieldLines = (entries: Iterable<readonly [string, unknown]>, indent: string): string =>
  [...entries].map(([name, value]) => `${indent}${keyLine(name, indent)}: ${visibleJson(value)}\n`).join('')

/** Plain words stay bare; everything else is quoted, so that no name is taken for a number, a date or nothing. */
function keyLine(name: string, indent: string): string {
  if (/^(?:digest|by|at|version|key|signature)$/.test(name)) return name
  const quoted = visibleJson(name)
  return quoted.length <= MAX_KEY_LENGTH ? quoted : `? ${quoted}\n${indent}`
}

const sorted = <Value>(map: Iterable<readonly [string, Value]>): readonly (readonly [string, Value])[] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))
