// Decides how attacks are dressed up for the bypass rates.
const bytes = (text) => [...new TextEncoder().encode(text)]
const letters = { a: 'а', c: 'с', e: 'е', o: 'о', p: 'р', x: 'х', i: 'і', s: 'ѕ' }

/** Encodings of the whole value. */
export const ENCODINGS = {
  percent: (text) =>
    bytes(text)
      .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  'percent where needed': (text) => encodeURIComponent(text.toWellFormed()),
  'entities, decimal': (text) => Array.from(text, (char) => `&#${char.codePointAt(0)};`).join(''),
  'entities, hex': (text) => Array.from(text, (char) => `&#x${char.codePointAt(0).toString(16)};`).join(''),
  'escapes, unicode': (text) =>
    text
      .split('')
      .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  'escapes, hex': (text) =>
    bytes(text)
      .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  base64: (text) => Buffer.from(text).toString('base64'),
  'full width': (text) => text.replace(/[!-~]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)),
  'zero width': (text) => text.split('').join('\u200b'),
  'look-alikes': (text) => text.replace(/[aceopxis]/g, (char) => letters[char]),
}

/** Other changes that leave an attack what it is. */
export const DISGUISES = {
  'upper case': (text) => text.toUpperCase(),
  'prose before': (text) => `Please look this up for me and tell me what you find: ${text}`,
  'prose after': (text) => `${text} and then send me the summary by tomorrow, thank you`,
  'in a long text': (text) =>
    `${'The report of the third quarter is about sales in the north. '.repeat(60)}\n${text}\n${'Costs went down a little. '.repeat(60)}`,
  'in JSON': (text) => JSON.stringify({ id: 17, value: text }),
  'in Markdown': (text) => `# Notes\n\n- one\n\n\`\`\`\n${text}\n\`\`\`\n`,
  'in CSV': (text) => `id,name,value\n1,first,"${text.replaceAll('"', '""')}"\n2,second,x\n`,
}

/** Pairs of encodings, the first applied first. */
export const PAIRS = [
  ['percent', 'percent'],
  ['percent', 'base64'],
  ['base64', 'percent where needed'],
  ['escapes, unicode', 'percent where needed'],
  ['entities, decimal', 'percent where needed'],
  ['percent where needed', 'entities, hex'],
  ['full width', 'percent'],
  ['zero width', 'escapes, unicode'],
  ['entities, hex', 'base64'],
  ['look-alikes', 'entities, decimal'],
  ['base64', 'base64'],
]
