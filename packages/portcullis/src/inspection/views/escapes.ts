/** Decides what the escapes of JSON, JavaScript, C and CSS strings stand for (RFC 8259 section 7, ECMA-262 section 12.9.4). */
import { decodeLeniently } from './lenient-utf8.ts'

const ESCAPE =
  /((?:\\x[0-9a-f]{2})+)|\\(?:u\{0*([0-9a-f]{1,6})\}|u([0-9a-f]{4})|([0-3][0-7]{2}|[4-7][0-7])|(?<![a-z]:\\)([nrtbfv"'`\\/]))/gi
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '', f: ' ', v: ' ' }

/** Undoes one layer; a backslash that begins no escape stays, for shells and Windows mean something else by it, and so does one after a drive. */
export function decodeEscapes(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(
    ESCAPE,
    (whole, run?: string, braced?: string, four?: string, octal?: string, single?: string) => {
      // Python and C mean bytes by it, and text by bytes is UTF-8.
      if (run !== undefined) return decodeLeniently(Buffer.from(run.replace(/\\x/gi, ''), 'hex'))
      // Control letters are lower case only: \N and \T are parts of Windows paths.
      if (single !== undefined) return /[NRTBFV]/.test(single) ? whole : (CONTROLS[single] ?? single)
      const code = octal === undefined ? Number.parseInt(braced ?? four ?? '', 16) : Number.parseInt(octal, 8)
      return code > 0x10ffff ? whole : String.fromCodePoint(code)
    },
  )
}
