/** Whether the folders of one sandbox hold more than they may, and how much room is left. */
import type { Room } from './growth.ts'
import type { WatchedPath } from './messages.ts'
import { readable } from './names.ts'

export interface Measured extends Pick<WatchedPath, 'shown' | 'limits'> {
  readonly device: number
  readonly size: { readonly bytes: number; readonly files: number }
  readonly blindSpot: string | undefined
}

/** A sentence for the audit record, undefined when all is well. `held` are bytes of nameless files by device. */
export function findExcess(folders: readonly Measured[], held: ReadonlyMap<number, number>): string | undefined {
  for (const folder of folders) {
    const { shown, limits, size, blindSpot } = folder
    if (blindSpot !== undefined && isLimited(folder)) return `${blindSpot}, so the folder cannot be measured`
    if (size.files > filesOf(folder)) return `${readable(shown)} holds ${size.files} files, ${limits.files} are allowed`
    const nameless = held.get(folder.device) ?? 0
    if (size.bytes <= bytesOf(folder) && roomBeside(folder, folders, nameless) >= 0) continue
    return `${readable(shown)} holds ${size.bytes} bytes, open files without a name ${nameless}; ${limits.bytes} are allowed`
  }
  return undefined
}

/** What may be added to one of the folders. */
export function roomIn(folder: Measured, folders: readonly Measured[], held: ReadonlyMap<number, number>): Room {
  const nameless = held.get(folder.device) ?? 0
  return {
    bytes: Math.min(bytesOf(folder) - folder.size.bytes, roomBeside(folder, folders, nameless)),
    files: filesOf(folder) - folder.size.files,
  }
}

export const isLimited = ({ limits }: Pick<WatchedPath, 'limits'>): boolean =>
  limits.bytes !== undefined || limits.files !== undefined

/** Nameless files belong to no folder, so they count against all folders of their file system together. */
function roomBeside({ device }: Measured, folders: readonly Measured[], nameless: number): number {
  const beside = folders.filter((folder) => folder.device === device)
  return beside.reduce((room, folder) => room + bytesOf(folder) - folder.size.bytes, -nameless)
}

const bytesOf = ({ limits }: Measured) => limits.bytes ?? Number.POSITIVE_INFINITY
const filesOf = ({ limits }: Measured) => limits.files ?? Number.POSITIVE_INFINITY
