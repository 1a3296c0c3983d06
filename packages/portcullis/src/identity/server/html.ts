/** Decides how text gets into a page: escaped, unless it is markup that this tag has made. */

const MADE: unique symbol = Symbol('made')

/** Markup. Only `html` makes it, so text of a stranger cannot pass for it. */
export interface Html {
  readonly [MADE]: string
}

export type Insert = Html | string | number | readonly Html[]

/** Tag of a template. Text is escaped for elements and quoted attributes; put attributes' values into quotes. */
export function html(texts: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return { [MADE]: texts.reduce((all, text, index) => `${all}${rendered(inserts[index - 1] as Insert)}${text}`) }
}

/** The text of a whole document. */
export function markup(page: Html): string {
  return page[MADE]
}

function rendered(insert: Insert): string {
  if (typeof insert === 'string' || typeof insert === 'number') return escaped(String(insert))
  return isList(insert) ? insert.map(made).join('') : made(insert)
}

function made(insert: Html): string {
  const text: unknown = insert[MADE]
  if (typeof text !== 'string') throw new TypeError('only what the tag has made is markup')
  return text
}

const isList = (insert: Insert): insert is readonly Html[] => Array.isArray(insert)

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters that turn the reading direction or hide are shown as what they are: a name must not pose as another one. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cf}\p{Cc}]/gu, (character) => (/[\t\n]/.test(character) ? character : '\ufffd'))
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] as string)
}
