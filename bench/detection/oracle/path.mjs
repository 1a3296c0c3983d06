// Decides whether a value names something outside of the folder that it is meant for, by resolving it as POSIX systems and Windows would,
// after each layer of percent-encoding, and by whether it is opened as something else than a file.
import { posix, win32 } from 'node:path'
import { decodePercent } from '../../../packages/portcullis/src/inspection/views/percent.ts'

const BASES = [
  { rules: posix, base: '/srv/app/data' },
  { rules: win32, base: 'D:\\app\\data' },
]
const MAX_LAYERS = 3
/** Devices, streams, ends of strings, and schemes that libraries open where a file is meant. */
const OTHER_THAN_FILE =
  /\0|^\s*(?:\\\\|\/\/)|^[a-z][a-z0-9.+-]+:\/{0,2}\S|::\$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** What is wrong with the value, or undefined. */
export function pathOracle(value) {
  let text = value
  for (let layer = 0; layer <= MAX_LAYERS; layer++) {
    if (OTHER_THAN_FILE.test(text)) return 'no file'
    const left = BASES.find(({ rules, base }) => !isBelow(rules, base, rules.resolve(base, text)))
    if (left !== undefined) return `outside of ${left.base}`
    const decoded = decodePercent(text)
    if (decoded === text) return undefined
    text = decoded
  }
  return undefined
}

function isBelow(rules, base, target) {
  const way = rules.relative(base, target)
  return !(way === '..' || /^\.\.[/\\]/.test(way) || rules.isAbsolute(way))
}
