/**
 * Decides what of a gateway goes into a backup, by name: what is not named here does not.
 *
 * NEVER, however it is asked for: the tenant keys with their copy, and the key-encryption keys (see
 * `data-protection/tenant-key-store.ts`), because a tenant that was shredded would be readable again; the secrets that the
 * configuration names (`{ file: … }`); the volumes of upstreams, which are theirs.
 */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { cutChain, cutPayloads } from '../audit/cut.ts'
import { HOLD_FILE } from '../audit/legal-hold.ts'
import type { SignedEnd } from '../audit/ledger.ts'
import { isWithin, policyFiles, trustedFiles } from '../config/own-paths.ts'
import type { Config } from '../config/schema.ts'
import { type StateLayout, stateLayout } from '../config/state-layout.ts'
import { type Contents, type KeptFile, type Root, sizeOf } from '../data-protection/backup/contents.ts'
import type { PlannedFile } from '../data-protection/backup/write-backup.ts'

export interface SourceParts {
  readonly config: Config
  readonly configFile: string
  readonly privateKeys: boolean
  /** Where the chains end, as they were signed for this backup. */
  readonly ends: readonly SignedEnd[]
  /** What the backup that is continued held. */
  readonly before?: Contents | undefined
}

export interface Roots {
  readonly state: string
  readonly audit: string
  readonly home: string
}

export function rootsOf({ config, configFile }: Pick<SourceParts, 'config' | 'configFile'>): Roots {
  return { state: config.state, audit: stateLayout(config).audit, home: dirname(resolve(configFile)) }
}

/** Segments and payloads, as far as the chains were signed, and what keeps them from being removed. */
export function recordFiles({ config, ends, before }: SourceParts): readonly PlannedFile[] {
  const { audit } = stateLayout(config)
  const known = new Map(before?.files.map((file) => [`${file.root}/${file.path}`, file]) ?? [])
  return ends.flatMap(({ folder, ...end }) => {
    const directory = join(audit, folder)
    const cuts = [...cutChain(directory, end), ...cutPayloads(directory)]
    const files = cuts.map(({ path, bytes }, index) => {
      const isPayload = path.includes('/')
      const next = cuts[index + 1]
      // Of the newest payloads the last line may have been written anew; all others only grow.
      const wasOver = next !== undefined && known.has(`audit/${folder}/${next.path}`)
      const held = !isPayload || wasOver ? known.get(`audit/${folder}/${path}`) : undefined
      return grown({ root: 'audit', path: `${folder}/${path}`, mode: 0o600 }, join(directory, path), bytes, held)
    })
    const holds = join(directory, HOLD_FILE)
    return existsSync(holds) ? [...files, whole('audit', `${folder}/${HOLD_FILE}`, holds)] : files
  })
}

function grown(
  place: Pick<PlannedFile, 'root' | 'path' | 'mode'>,
  file: string,
  bytes: number,
  held: KeptFile | undefined,
): PlannedFile {
  const from = held === undefined ? 0 : sizeOf(held)
  if (held === undefined || from > bytes) return { ...place, before: [], source: { file, from: 0, bytes } }
  return { ...place, before: held.pieces, source: { file, from, bytes: bytes - from } }
}

/** Everything else but the store: what the gateway remembers, its certificates, its configuration. */
export function smallFiles(parts: SourceParts): readonly PlannedFile[] {
  const layout = stateLayout(parts.config)
  return [...stateFiles(layout, parts), ...configuredFiles(parts)]
}

function stateFiles(layout: StateLayout, { config, privateKeys }: SourceParts): readonly PlannedFile[] {
  const { auditKey, lockKey, newestLock, firstUse, told, baselines, distrust, tokenKeys, telemetryKey, adminKey } =
    layout
  const definitions = join(config.state, 'definitions.json')
  const open = [
    definitions,
    `${auditKey}.pub`,
    `${auditKey}.history`,
    `${lockKey}.pub`,
    newestLock,
    firstUse,
    told,
    baselines,
    distrust,
  ]
  const retired = readdirSync(config.state).filter((name) => /^audit\.key\.[0-9a-f]{32}\.pub$/.test(name))
  // Half an authority is none: without its keys only what clients trust is worth keeping.
  const authority = privateKeys ? below(layout.authority) : ['ca.crt']
  const secret = [auditKey, lockKey, tokenKeys, telemetryKey, adminKey]
  const all = [
    ...open,
    ...retired.map((name) => join(config.state, name)),
    ...authority.map((name) => join(layout.authority, name)),
    ...below(layout.exports).map((name) => join(layout.exports, name)),
    ...(privateKeys ? secret : []),
  ]
  return all.filter(isFile).map((file) => whole('state', slashed(relative(config.state, file)), file))
}

function configuredFiles({ config, configFile, privateKeys }: SourceParts): readonly PlannedFile[] {
  const { key } = config.listen.tls ?? {}
  const lists = config.traffic.lists
  const named = [
    resolve(configFile),
    ...policyFiles(config),
    ...trustedFiles(config),
    ...lists.files.map(({ file }) => file),
    ...(lists.countries === undefined ? [] : [lists.countries]),
    ...(privateKeys && key !== undefined ? [key.file] : []),
  ]
  const { home, state } = rootsOf({ config, configFile })
  const outside = [...new Set(named)].filter((file) => isFile(file) && !isWithin(file, state))
  // What the operator names may be a link, such as into `..data` of a mounted volume; what it leads to is kept under its name.
  return outside.map((file) => {
    const target = realpathSync(file)
    return isWithin(file, home)
      ? whole('home', slashed(relative(home, file)), target)
      : whole('elsewhere', slashed(file), target)
  })
}

function whole(root: Root, path: string, file: string): PlannedFile {
  return { root, path, mode: statSync(file).mode & 0o777, before: [], source: { file, from: 0, bytes: 'all' } }
}

/** Regular files below a folder; links lead elsewhere and are not followed. */
function below(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() === true
const slashed = (path: string): string => path.split(sep).join('/')
