/** The private folder of one launch, in place of the private file systems that macOS does not have. */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, lstatSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LaunchPlaces {
  /** Real path; holds all of the following. */
  readonly folder: string
  readonly home: string
  readonly tmp: string
  readonly profile: string
}

const PREFIX = 'portcullis-seatbelt-'

/** Makes the folder, for our own account only. */
export function makePlaces(): LaunchPlaces {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)))
  const places = { folder, home: join(folder, 'home'), tmp: join(folder, 'tmp'), profile: join(folder, 'profile.sb') }
  for (const path of [places.home, places.tmp]) mkdirSync(path, { mode: 0o700 })
  return places
}

/** Outside of what the program may write, so that it cannot loosen a later look at it. */
export function writeProfile({ profile }: LaunchPlaces, text: string): void {
  writeFileSync(profile, text, { mode: 0o400, flag: 'wx' })
}

export function removePlaces({ folder }: Pick<LaunchPlaces, 'folder'>): void {
  rmSync(folder, { recursive: true, force: true })
}

/** Removes what gateways that are gone have left; only our own account's, because everybody may make such a name. */
export function sweepPlaces(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    const found = lstatSync(folder, { throwIfNoEntry: false })
    const pid = Number(name.slice(PREFIX.length).split('-')[0])
    if (found?.isDirectory() && found.uid === process.getuid?.() && !isAlive(pid)) removePlaces({ folder })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === 'EPERM'
  }
}
