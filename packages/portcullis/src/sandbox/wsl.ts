/**
 * Where the drives of Windows are in the Windows Subsystem for Linux. A program of Windows that is executed there runs on
 * Windows, outside of every sandbox, so none of it is ever shown.
 */
import { readFileSync } from 'node:fs'
import { wslVersion } from './host-facts.ts'

/** Mount points of drives as they are now; empty on every other system. Never throws. */
export function windowsDrives(): readonly string[] {
  try {
    if (wslVersion(readFileSync('/proc/version', 'utf8')) === undefined) return []
    return drivesIn(readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch {
    return []
  }
}

/** From the text of /proc/self/mountinfo: WSL shares drives over 9P, virtio or its own file system. */
export function drivesIn(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const [type = '', source = '', options = ''] = right.split(' ')
    const isDrive = type === 'drvfs' || (/^(?:9p|virtiofs)$/.test(type) && isOfWindows(source, options))
    return isDrive ? [unescaped(left.split(' ')[4] ?? '')] : []
  })
}

const isOfWindows = (source: string, options: string) =>
  /^(?:[A-Za-z]:|drvfs)/.test(source) || options.includes('aname=drvfs')

/** proc(5): spaces and the like are written in octal. */
const unescaped = (path: string) =>
  path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
