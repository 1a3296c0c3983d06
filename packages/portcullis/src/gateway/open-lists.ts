/** Configuration to the block and allow lists: what it lists itself, and what files say. */
import type { Config } from '../config/schema.ts'
import { AccessLists, type ListSource } from '../traffic/access-lists.ts'
import type { BlockList } from '../traffic/block-list.ts'
import { type Entry, FOR_EVER_MS } from '../traffic/blocks.ts'
import { readCountryFile } from '../traffic/country-file.ts'
import { entrySet, type EntrySet } from '../traffic/entry-set.ts'
import { canonicalValue } from '../traffic/entry-value.ts'
import { readListFile } from '../traffic/list-file.ts'
import type { TrafficParts } from './traffic-parts.ts'
import { Followed } from './list-files.ts'

type Ending = (() => void)[]

/** `ending` gets what stops following the files. Rejects with ListsError for a file that cannot be read. */
export async function openLists({ config, clock, log }: TrafficParts, blocks: BlockList, ending: Ending) {
  const { lists, blocked, allowed } = config.traffic
  // Files are followed before the lists exist that are told of their changes.
  const told: { lists?: AccessLists } = {}
  const onChange = () => told.lists?.changed()
  const follow = async <T>(file: string, read: (bytes: Buffer) => Generator<void, T>): Promise<Followed<T>> => {
    const followed = await Followed.open({ file, read, onChange, log })
    ending.push(() => followed.close())
    return followed
  }
  const sources: ListSource[] = []
  const configured = (effect: ListSource['effect'], entries: EntrySet) =>
    entries.size > 0 && sources.push({ effect, entries })
  configured('block', entrySet([...blocked.map(placed), ...lists.blocked.map(listed)]))
  configured('allow', entrySet([...allowed.map(placed), ...lists.allowed.map(listed)]))
  for (const { file, effect, ...rules } of lists.files) {
    const read = (bytes: Buffer) => readListFile(bytes, { ...rules, source: file })
    const followed = await follow(file, effect === 'allow' ? (bytes) => notEmpty(read(bytes)) : read)
    sources.push({
      effect,
      get entries() {
        return followed.current
      },
    })
  }
  const countries = lists.countries === undefined ? undefined : await follow(lists.countries, readCountryFile)
  told.lists = new AccessLists({
    ...{ sources, blocks, clock },
    ...(countries && { countries: () => countries.current }),
  })
  return told.lists
}

/** Of an allow list without entries nobody needs to be on it: a file that was cut off would let everybody in. */
function* notEmpty(reading: Generator<void, EntrySet>): Generator<void, EntrySet> {
  const entries = yield* reading
  if (entries.size === 0) throw new Error('an allow list without an entry')
  return entries
}

const SOURCE = { tenant: '', source: 'config' } as const

const placed = (value: string): Entry => ({
  ...SOURCE,
  ...{ kind: 'address', value, reason: 'configured', untilMs: FOR_EVER_MS },
})

const listed = ({ kind, value, tenant = '', reason, until }: Config['traffic']['lists']['blocked'][number]): Entry => ({
  ...{ kind, tenant, reason, source: SOURCE.source },
  value: canonicalValue(kind, value),
  untilMs: until === undefined ? FOR_EVER_MS : Date.parse(until),
})
