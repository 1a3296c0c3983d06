/** What upstreams last said to the running gateway, left in the state folder so that an operator can approve exactly that. */
import { readFileSync } from 'node:fs'
import { recordedItem, type Waiting } from '../inspection/definitions/lock.ts'
import { type ItemKey, keyOf } from '../inspection/definitions/kind.ts'
import { proposeRoles } from '../inspection/propose-roles.ts'
import type { ArgumentRoles } from '../inspection/role.ts'
import type { Told } from '../inspection/definitions/survey.ts'
import { isRecord } from '../mcp/message.ts'
import { writeWholeAside } from '../pki/private-file.ts'
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

/** Between two notes: what is told may change with every list. */
const REST_MS = 1_000

/** Keeps the note. It is written whole or not at all, and what is told while it is written is noted after a rest. */
export class ToldNote {
  readonly #file: string
  readonly #judges: () => Iterable<UpstreamJudge>
  readonly #onFailure: (error: unknown) => void
  #isDue = false
  #isClosed = false
  #writing: Promise<void> | undefined
  #resting: NodeJS.Timeout | undefined

  constructor(file: string, judges: () => Iterable<UpstreamJudge>, onFailure: (error: unknown) => void) {
    this.#file = file
    this.#judges = judges
    this.#onFailure = onFailure
  }

  /** Something was told that is not noted yet. */
  due(): void {
    this.#isDue = true
    if (this.#isClosed || this.#resting !== undefined) return
    this.#writing ??= this.#write()
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#resting)
    await this.#writing
  }

  async #write(): Promise<void> {
    // What one list brings is told in one turn.
    await new Promise((resolve) => setImmediate(resolve))
    this.#isDue = false
    const upstreams = [...this.#judges()].map((judge) => [judge.upstream, [...toldBy(judge)].map(saved)] as const)
    await writeWholeAside(this.#file, `${JSON.stringify(Object.fromEntries(upstreams))}\n`, 0o600).catch(
      this.#onFailure,
    )
    this.#writing = undefined
    if (this.#isClosed) return
    this.#resting = setTimeout(() => {
      this.#resting = undefined
      if (this.#isDue) this.due()
    }, REST_MS).unref()
  }
}

/** What a `ToldNote` left; empty when there is nothing that can be read. */
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
