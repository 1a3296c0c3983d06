/**
 * Decides what HTML character references stand for: numbers with and without the semicolon, as browsers read them, and those
 * names of the HTML standard that stand for ASCII. Other names cannot hide anything that a detector looks for.
 */
const REFERENCE = /&(?:#x0*([0-9a-f]{1,6})(?![0-9a-f])|#0*([0-9]{1,7})(?![0-9])|([a-z]{2,19}));?/gi

/** Names to characters, from the HTML standard, section 13.5 ("Named character references"; facts, no text copied). */
const NAMES: Readonly<Record<string, string>> = {
  ...{ lt: '<', LT: '<', gt: '>', GT: '>', amp: '&', AMP: '&', quot: '"', QUOT: '"', apos: "'", nbsp: ' ' },
  ...{ Tab: '\t', NewLine: '\n', excl: '!', num: '#', dollar: '$', percnt: '%', lpar: '(', rpar: ')', ast: '*' },
  ...{ midast: '*', plus: '+', comma: ',', period: '.', sol: '/', colon: ':', semi: ';', equals: '=', quest: '?' },
  ...{ commat: '@', lsqb: '[', lbrack: '[', bsol: '\\', rsqb: ']', rbrack: ']', Hat: '^', lowbar: '_', UnderBar: '_' },
  ...{ grave: '`', DiacriticalGrave: '`', lcub: '{', lbrace: '{', verbar: '|', vert: '|', VerticalLine: '|' },
  ...{ rcub: '}', rbrace: '}', hyphen: '-', dash: '-', minus: '-', lsquo: "'", rsquo: "'", ldquo: '"', rdquo: '"' },
  ...{ ensp: ' ', emsp: ' ', thinsp: ' ', shy: '', zwj: '', zwnj: '', ZeroWidthSpace: '', NoBreak: '', fjlig: 'fj' },
}

/** Undoes one layer; text without it comes back as it is. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(REFERENCE, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return named(whole, name)
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
  })
}

/** Without the semicolon browsers take the longest name that begins there, and only the old ones. */
function named(whole: string, name: string): string {
  if (Object.hasOwn(NAMES, name)) return NAMES[name] as string
  const lower = name.toLowerCase()
  if (Object.hasOwn(NAMES, lower)) return NAMES[lower] as string
  const old = /^(?:lt|gt|amp|quot|nbsp)/i.exec(name)?.[0]
  return old === undefined || whole.endsWith(';') ? whole : `${NAMES[old.toLowerCase()]}${name.slice(old.length)}`
}
