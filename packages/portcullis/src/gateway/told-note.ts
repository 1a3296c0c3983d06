/** What upstreams last said to the running gateway, left in the state folder so that an operator can approve exactly that. */
import { readFileSync } from 'node:fs'
import { recordedItem, type Waiting } from '../inspection/definitions/lock.ts'
import { type ItemKey, keyOf } from '../inspection/definitions/kind.ts'
import { proposeRoles } from '../inspection/propose-roles.ts'
import type { ArgumentRoles } from '../inspection/role.ts'
import type { Told } from '../inspection/definitions/survey.ts'
import { isRecord } from '../mcp/message.ts'
import { writeWhole } from '../pki/private-file.ts'
import type { UpstreamJudge } from './upstream-judge.ts'

type ToldItem = Exclude<Waiting, { readonly gone: true }>

/** With the roles that would be proposed for the arguments of its tools. */
export function toldBy(judge: UpstreamJudge): Told {
  const roles = new Map<ItemKey, ArgumentRoles>(
    judge.rawTools.map((tool) => [keyOf({ kind: 'tool', name: tool.name }), proposeRoles(tool)]),
  )
  return new Map(
    [...judge.seen]
      .filter(([key, item]) => key !== 'instructions' || item.fields.get('/text') !== '')
      .map(([key, item]): [ItemKey, ToldItem] => {
        const proposed = roles.get(key)
        const version = key === 'server' ? judge.version : undefined
        return [
          key,
          {
            item,
            ...(proposed && proposed.size > 0 && { roles: proposed }),
            ...(version !== undefined && { version }),
          },
        ]
      }),
  )
}

export function writeTold(file: string, judges: Iterable<UpstreamJudge>): void {
  const upstreams = [...judges].map((judge) => [judge.upstream, [...toldBy(judge)].map(saved)] as const)
  writeWhole(file, `${JSON.stringify(Object.fromEntries(upstreams))}\n`, 0o600)
}

/** What `writeTold` left; empty when there is nothing that can be read. */
export function readTold(file: string): ReadonlyMap<string, Told> {
  try {
    const upstreams: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (!isRecord(upstreams)) return new Map()
    return new Map(
      Object.entries(upstreams).map(([name, items]) => [name, new Map((items as readonly Saved[]).map(restored))]),
    )
  } catch {
    return new Map()
  }
}

interface Saved {
  readonly key: ItemKey
  readonly digest: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly roles?: Readonly<Record<string, string>>
  readonly version?: string
}

const saved = ([key, { item, roles, version }]: readonly [ItemKey, ToldItem]): Saved => ({
  key,
  digest: item.digest,
  fields: Object.fromEntries(item.fields),
  ...(roles && { roles: Object.fromEntries(roles) }),
  ...(version !== undefined && { version }),
})

function restored({ key, digest, fields, roles, version }: Saved): [ItemKey, ToldItem] {
  const item = recordedItem(key, new Map(Object.entries(fields)), digest)
  const known = roles && { roles: new Map(Object.entries(roles)) as ArgumentRoles }
  return [key, { item, ...known, ...(version !== undefined && { version }) }]
}
