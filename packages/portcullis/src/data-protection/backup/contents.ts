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
  /** False where the store was in memory. */
  readonly hasStore: boolean
  readonly files: readonly KeptFile[]
  readonly chains: readonly KeptChain[]
}

/** The one file of the store, below `state`. */
export const STORE_PATH = 'store.sqlite'

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
  if (!Array.isArray(contents.files) || !Array.isArray(contents.chains) || !isRecord(contents.roots))
    throw wrong('its list of contents is not one')
  const stray = contents.files.find((file) => !isPlace(file))
  if (stray !== undefined)
    throw wrong(`its list of contents names a place that cannot be: ${JSON.stringify(stray.path)}`)
  if (!isBelow(contents.config) || !contents.chains.every(({ folder }) => isBelow(folder) && !folder.includes('/')))
    throw wrong('its list of contents names a place that cannot be')
  return contents
}

const isPlace = ({ root, path }: KeptFile): boolean =>
  root === 'elsewhere' ? typeof path === 'string' && path.startsWith('/') : isBelow(path)

/** Neither absolute nor up. */
const isBelow = (path: unknown): boolean =>
  typeof path === 'string' &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))

/** Bytes of a file. */
export const sizeOf = ({ pieces }: Pick<KeptFile, 'pieces'>): number =>
  pieces.reduce((sum, { bytes }) => sum + bytes, 0)
