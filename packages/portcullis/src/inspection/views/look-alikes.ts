/**
 * Decides which characters pass for ASCII: compatibility forms (NFKC, Unicode Standard Annex 15), look-alikes of other scripts,
 * and characters that nobody sees. Some are turned into ASCII by databases and file systems, others fool readers only.
 *
 * The pairs are facts of Unicode's confusables data (UTS 39, version 16, Unicode License v3), restricted to letters and
 * punctuation that stand for one ASCII character; quotes also from the best-fit mappings of Windows code pages.
 */
const PAIRS: readonly (readonly [ascii: string, lookAlikes: string])[] = [
  ["'", '\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8\u055a\u05f3\uff07\u00b4\u02ca'],
  ['"', '\u201c\u201d\u201e\u201f\u2033\u02ba\u05f4\u3003\uff02'],
  ['`', '\u02cb\u1fef\u2035'],
  ['<', '\u2039\u2329\u27e8\u3008\u02c2\u276e'],
  ['>', '\u203a\u232a\u27e9\u3009\u02c3\u276f'],
  ['-', '\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u02d7\u2043'],
  ['/', '\u2044\u2215\u2571\u29f8\u3033'],
  ['\\', '\u2216\u29f5\u29f9\u20e5'],
  ['|', '\u2223\u01c0\u2758\u23d0'],
  [':', '\u2236\ua789\u0589\u05c3\u02d0\ufe55'],
  [';', '\u037e\u061b'],
  [',', '\u201a\u060c\u3001'],
  ['.', '\u3002\uff61\u06d4\u0701\u0702'],
  ['!', '\u01c3'],
  ['*', '\u2217\u066d\u204e'],
  ['(', '\u2768\u2772\u3014\ufd3e'],
  [')', '\u2769\u2773\u3015\ufd3f'],
  ['=', '\u30a0\u2e40\ua4ff'],
  ['~', '\u223c\u02dc\u1fc0'],
  ['a', '\u0430\u03b1\u0251'],
  ['b', '\u042c\u0184'],
  ['c', '\u0441\u03f2\u1d04'],
  ['d', '\u0501\u13e7'],
  ['e', '\u0435\u04bd\u212e'],
  ['g', '\u0261\u0581\u018d'],
  ['h', '\u04bb\u0570\u13c2'],
  ['i', '\u0456\u03b9\u0131\u0269\u0a72'],
  ['j', '\u0458\u03f3'],
  ['k', '\u03ba\u043a\u0138'],
  ['l', '\u04cf\u01c0\u217c'],
  ['m', '\u043c'],
  ['n', '\u0578\u057c\u03b7\u043f'],
  ['o', '\u043e\u03bf\u0585\u03c3\u0966\u0be6'],
  ['p', '\u0440\u03c1\u2374'],
  ['q', '\u051b\u0566'],
  ['r', '\u0433\u1d26\uab47'],
  ['s', '\u0455\ua731\u01bd'],
  ['t', '\u0442\u03c4\u1d1b'],
  ['u', '\u057d\u03c5\u028b\u1d1c'],
  ['v', '\u0475\u03bd\u1d20'],
  ['w', '\u051d\u0461\u026f\u1d21'],
  ['x', '\u0445\u03c7'],
  ['y', '\u0443\u04af\u0263\u03b3'],
  ['z', '\u1d22'],
  ['A', '\u0410\u0391'],
  ['B', '\u0412\u0392'],
  ['C', '\u0421\u03f9'],
  ['E', '\u0415\u0395'],
  ['H', '\u041d\u0397'],
  ['I', '\u0406\u0399\u04c0'],
  ['J', '\u0408\u037f'],
  ['K', '\u041a\u039a'],
  ['M', '\u041c\u039c'],
  ['N', '\u039d'],
  ['O', '\u041e\u039f\u0555'],
  ['P', '\u0420\u03a1'],
  ['S', '\u0405\u054f'],
  ['T', '\u0422\u03a4'],
  ['U', '\u054d'],
  ['X', '\u0425\u03a7'],
  ['Y', '\u0423\u03a5\u04ae'],
  ['Z', '\u0396'],
]

const ASCII_OF = new Map(PAIRS.flatMap(([ascii, all]) => Array.from(all, (char): [string, string] => [char, ascii])))
const ofClass = (isMeant: (char: string) => boolean): string => `[${[...ASCII_OF.keys()].filter(isMeant).join('')}]`
const LETTER = ofClass((char) => /\p{L}/u.test(char) && /[a-z]/i.test(ASCII_OF.get(char) as string))
const SIGN = new RegExp(
  ofClass((char) => !/[a-z]/i.test(ASCII_OF.get(char) as string)),
  'g',
)
const LETTERS = new RegExp(LETTER, 'g')
/** Letters that cannot pass for others. Without a word of two scripts, text that has some is what it looks like: Russian or Greek. */
const FOREIGN = new RegExp(`(?!${LETTER})[\\p{sc=Cyrillic}\\p{sc=Greek}\\p{sc=Armenian}]`, 'u')
/** A word of two scripts. */
const MIXED = new RegExp(`[a-z]${LETTER}|${LETTER}[a-z]`, 'i')

/** Seen by nobody: controls, soft hyphen, joiners, directions, fillers, variation selectors, byte order mark. */
const UNSEEN = new RegExp(
  [
    '[\\0-\\x08\\x0e-\\x1f\\x7f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e',
    '\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb]|\\udb40[\\udd00-\\uddef]',
  ].join(''),
  'g',
)
/** Tags are invisible copies of ASCII (Unicode block E0000). */
const TAG = /\udb40([\udc20-\udc7e])/g
// oxlint-disable-next-line no-control-regex -- likewise
const SPACES = /[\u000b\u000c\u0085\u1680\u2028\u2029]/g
// oxlint-disable-next-line no-control-regex -- likewise
const BEYOND = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\uffff]/
/** A character may have 18 in its compatibility form; a text does not grow more than this. */
const MAX_GROWTH = 2

/** Printable ASCII comes back as it is. */
export function foldLookAlikes(text: string): string {
  if (!BEYOND.test(text)) return text
  const seen = text
    .replace(TAG, (_, low: string) => String.fromCharCode(low.charCodeAt(0) - 0xdc00))
    .replace(UNSEEN, '')
    .replace(SPACES, ' ')
    .replace(SIGN, toAscii)
    .normalize('NFKC')
    .slice(0, Math.max(text.length * MAX_GROWTH, 64))
    .replace(SIGN, toAscii)
  return MIXED.test(seen) || !FOREIGN.test(seen) ? seen.replace(LETTERS, toAscii) : seen
}

const toAscii = (char: string): string => ASCII_OF.get(char) as string
