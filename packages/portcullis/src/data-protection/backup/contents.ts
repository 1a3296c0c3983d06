/** Decides what a backup says of itself to whoever can open it: each file, where it belongs, and in which parts its bytes are. */
import { isRecord } from '../../mcp/message.ts'
import { BackupError } from './backup-error.ts'

/** Where a file belongs: below the state folder, below that of the chains, below that of the configuration, or at its own path. */
export type Root = 'state' | 'audit' | 'home' | 'elsewhere'

/** A run of bytes of a file. The runs of a file follow each other. */
export interface Piece {
  /** Id of the backup that holds it. */
  readonly backup: string
  /** Name of the part there. */
  readonly part: string
  /** Where it begins in the opened part. */
  readonly offset: number
  readonly bytes: number
  /** SHA-256, lower-case hex. */
  readonly sha256: string
}

export interface KeptFile {
  readonly root: Root
  /** Below its root, with forward slashes; absolute for `elsewhere`. */
  readonly path: string
  /** Permissions, such as 0o600. */
  readonly mode: number
  readonly pieces: readonly Piece[]
}

/** Where a chain ends in the backup: at a checkpoint that was signed for it. */
export interface KeptChain {
  /** Below the folder of the chains. */
  readonly folder: string
  readonly tenant: string
  readonly sequence: number
  readonly hash: string
}

export interface Contents {
  readonly format: 'portcullis-backup-contents-1'
  readonly id: string
  readonly madeAt: number
  /** Where the roots were, absolute. */
  readonly roots: { readonly state: string; readonly audit: string; readonly home: string }
  /** The configuration, below `home`. */
  readonly config: string
  /** False where the store was in memory, or in PostgreSQL. */
  readonly hasStore: boolean
  /** Versions of the PostgreSQL, and of the schema, of which a copy is in it. */
  readonly database?: { readonly server: number; readonly schema: number }
  readonly files: readonly KeptFile[]
  readonly chains: readonly KeptChain[]
}

/** The one file of the store, below `state`. */
export const STORE_PATH = 'store.sqlite'

/** The copy of a store in PostgreSQL, below `state`, in a folder of its own. */
export const DUMP_PATH = 'postgres/store.pgdump'

/** Throws BackupError for what this release would not have written, paths that lead elsewhere included. */
export function parseContents(bytes: Buffer, place: string): Contents {
  const wrong = (what: string) => new BackupError('unsound', `${place}: ${what}.`)
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new BackupError('unsound', `${place}: its list of contents is not one.`, cause)
  }
  if (!isRecord(value) || value['format'] !== 'portcullis-backup-contents-1')
    throw wrong('its list of contents is not one')
  const contents = value as unknown as Contents
  const { files, chains, roots, database } = contents
  const isOne =
    Array.isArray(files) &&
    files.every(isFile) &&
    Array.isArray(chains) &&
    chains.every(isChain) &&
    isRoots(roots) &&
    (database === undefined || (isRecord(database) && isCount(database.server) && isCount(database.schema)))
  if (!isOne) throw wrong('its list of contents is not one')
  const stray = files.find((file) => !isPlace(file))
  if (stray !== undefined)
    throw wrong(`its list of contents names a place that cannot be: ${JSON.stringify(stray.path)}`)
  if (!isBelow(contents.config) || !chains.every(({ folder }) => isBelow(folder) && !folder.includes('/')))
    throw wrong('its list of contents names a place that cannot be')
  return contents
}

const isPlace = ({ root, path }: KeptFile): boolean =>
  // An absolute path with `..` in it would lead out of the folder in which a backup is examined.
  root === 'elsewhere' ? path.startsWith('/') && isBelow(path.slice(1)) : isBelow(path)

const ROOTS: readonly unknown[] = ['state', 'audit', 'home', 'elsewhere'] satisfies readonly Root[]

const isFile = (value: unknown): boolean =>
  isRecord(value) &&
  ROOTS.includes(value['root']) &&
  typeof value['path'] === 'string' &&
  isCount(value['mode']) &&
  Array.isArray(value['pieces']) &&
  value['pieces'].every(isPiece)

const isPiece = (value: unknown): boolean =>
  isRecord(value) &&
  [value['offset'], value['bytes']].every(isCount) &&
  [value['backup'], value['part'], value['sha256']].every((text) => typeof text === 'string')

const isChain = (value: unknown): boolean =>
  isRecord(value) &&
  isCount(value['sequence']) &&
  [value['folder'], value['tenant'], value['hash']].every((text) => typeof text === 'string')

const isRoots = (value: unknown): boolean =>
  isRecord(value) &&
  [value['state'], value['audit'], value['home']].every((path) => typeof path === 'string' && path.startsWith('/'))

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** Neither absolute nor up. */
const isBelow = (path: unknown): boolean =>
  typeof path === 'string' &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))

/** Bytes of a file. */
export const sizeOf = ({ pieces }: Pick<KeptFile, 'pieces'>): number =>
  pieces.reduce((sum, { bytes }) => sum + bytes, 0)
