/**
 * Decides what is left of a page: elements and attributes of the lists of `html-allowed.ts`, each written anew in one strict spelling,
 * and text without any `<`. There is no element in them whose content is read otherwise than as markup, and none of SVG or MathML;
 * so every reader reads what is left alike, and nothing in it runs, loads, sends or covers anything, whatever stood in the page.
 */
import { decodeEntities } from '../views/entities.ts'
import { isActiveAttribute, isActiveElement, isAllowed, isExternal, isShown, safeLink } from './active-html.ts'
import { ActiveNames, type Cleaned } from './cleaned.ts'
import { SMALL_IMAGE } from './html-allowed.ts'
import { PageReader } from './page-reader.ts'
import { PLAIN_LINK } from './plain-page.ts'
import { SLICE_LENGTH } from './slices.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const ENDLESS = words('br col hr img wbr')
/** Whose content nobody is shown, or that is no HTML. */
const HIDES = words('svg math template object')
const ENDS_OPTION = words('option optgroup select datalist')
const VALUELESS = words('alt open reversed')
/** What ends an element of the second list that stands on top, for its end need not be written. */
const IMPLIES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...(
    [
      ['li', 'li p'],
      ['dt dd', 'dt dd p'],
      ['td th', 'td th p'],
      ['tr', 'tr td th p'],
      ['tbody thead tfoot', 'tbody thead tfoot tr td th p'],
      ['rt rp', 'rt rp'],
      [
        'p h1 h2 h3 h4 h5 h6 address article aside blockquote details div dl figcaption figure footer header hr main nav ol pre section table ul',
        'p',
      ],
    ] as const
  ).flatMap(([names, closed]) => names.split(' ').map((name) => [name, words(closed)] as const)),
])

/** So deep is no page; deeper ones make recursive readers fail. */
const MAX_DEPTH = 256
const MAX_IMAGE_LENGTH = 65_536

/**
 * Ends with what is left, or with undefined for what is nested too deeply; stops after every `SLICE_LENGTH` characters, so that others
 * can have a turn. Linear. Where nothing is active, `text` is the page itself, unless readers could differ on it (`hidden`).
 */
export function* filteredPage(text: string): Generator<void, Cleaned | undefined> {
  const page = text.includes('\0') ? text.replaceAll('\0', '') : text
  const filter = new PageFilter(page)
  for (let pause = SLICE_LENGTH; filter.readUntil(pause); pause += SLICE_LENGTH) yield
  return filter.result(page.length !== text.length)
}

class PageFilter {
  readonly #page: string
  readonly #reader: PageReader
  readonly #active = new ActiveNames()
  readonly #open: string[] = []
  readonly #counts = new Map<string, number>()
  #left = ''
  readonly #settled: string[] = []
  #hidden = ''
  #hiddenDepth = 0
  #hasExternalImages = false
  #isTooDeep = false

  constructor(page: string) {
    this.#page = page
    this.#reader = new PageReader(page)
  }

  /** Whether there is more. */
  readUntil(pause: number): boolean {
    const reader = this.#reader
    while (!this.#isTooDeep) {
      const part = reader.next()
      if (part === 'text') this.#text()
      else if (part === 'open') this.#opened()
      else if (part === 'close') this.#closed(reader.name)
      else return false
      if (reader.from >= pause) return this.#settle()
    }
    return false
  }

  /** Makes one string of its many parts now, so that millions of them are never kept. */
  #settle(): true {
    // Searching does that in the engines that we know.
    if (this.#left.indexOf('<') < this.#left.length) this.#settled.push(this.#left)
    this.#left = ''
    return true
  }

  result(isSuspect: boolean): Cleaned | undefined {
    if (this.#isTooDeep) return undefined
    while (this.#open.length > 0) this.#close()
    if (this.#active.isEmpty && (isSuspect || this.#reader.isOdd)) this.#active.add('hidden')
    const text = this.#settled.length === 0 ? this.#left : this.#settled.join('') + this.#left
    return { text, active: this.#active.list(), hasExternalImages: this.#hasExternalImages }
  }

  #text(): void {
    if (this.#hidden !== '') return
    const { from, to, holdsLess } = this.#reader
    const text = this.#page.slice(from, to)
    this.#left += holdsLess ? text.replaceAll('<', '&lt;') : text
  }

  #opened(): void {
    const reader = this.#reader
    // An old name that every browser still takes.
    if (reader.name === 'image') reader.name = 'img'
    this.#note()
    if (reader.skipRaw()) return
    if (this.#hidden === 'option' && ENDS_OPTION.has(reader.name)) this.#hidden = ''
    if (this.#hidden !== '') {
      if (reader.name === this.#hidden) this.#hiddenDepth++
    } else if (isShown(reader.name)) this.#show(reader.name)
    else if (reader.name === 'option') this.#hidden = 'option'
    else if (HIDES.has(reader.name) && !this.#isWhole()) {
      this.#hidden = reader.name
      this.#hiddenDepth = 1
    }
  }

  /** Only what is no HTML can end in its own tag. */
  #isWhole(): boolean {
    return this.#reader.isEmpty && (this.#reader.name === 'svg' || this.#reader.name === 'math')
  }

  #closed(name: string): void {
    // Without a beginning it ends what the reader put around the page.
    if (isActiveElement(name)) this.#active.add(name)
    if (this.#hidden === 'option' && ENDS_OPTION.has(name)) this.#hidden = ''
    else if (this.#hidden !== '') {
      if (name === this.#hidden && --this.#hiddenDepth === 0) this.#hidden = ''
    } else if ((this.#counts.get(name) ?? 0) > 0) this.#closeThrough(name)
  }

  /** What was opened later ends with it. */
  #closeThrough(name: string): void {
    while (this.#open.at(-1) !== name) this.#close()
    this.#close()
  }

  #close(): void {
    const name = this.#open.pop() as string
    this.#counts.set(name, (this.#counts.get(name) as number) - 1)
    this.#left += `</${name}>`
  }

  #show(name: string): void {
    const implied = IMPLIES.get(name)
    while (implied?.has(this.#open.at(-1) ?? '')) this.#close()
    this.#left += `<${name}`
    this.#attributes(name)
    this.#left += '>'
    if (ENDLESS.has(name)) return
    this.#open.push(name)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    this.#isTooDeep = this.#open.length > MAX_DEPTH
  }

  #attributes(name: string): void {
    const { attributes } = this.#reader
    const written: string[] = []
    for (let at = 0; at < attributes.length; at += 2) {
      const attribute = attributes[at] as string
      // Of two with one name the first counts (HTML, "Attribute name state"), even when it is not written.
      if (!isAllowed(name, attribute) || written.includes(attribute)) continue
      written.push(attribute)
      const value = safeValue(name, attribute, attributes[at + 1] as string)
      if (value === undefined) continue
      if (value !== '') this.#left += ` ${attribute}="${value}"`
      else if (VALUELESS.has(attribute)) this.#left += ` ${attribute}`
    }
  }

  /** When enough is known, nobody asks for more. */
  #note(): void {
    const { name, attributes } = this.#reader
    const isImage = name === 'img' && !this.#hasExternalImages
    if (this.#active.isFull && !isImage) return
    if (isActiveElement(name)) return this.#active.add(name)
    for (let at = 0; at < attributes.length; at += 2) {
      const attribute = attributes[at] as string
      const value = decodeEntities(attributes[at + 1] as string)
      if (isActiveAttribute(name, attribute, value)) this.#active.add(attribute)
      else if (isImage && attribute === 'src' && isExternal(value)) this.#hasExternalImages = true
    }
  }
}

const UNSAFE = /["<>]/
const AS_REFERENCE: Readonly<Record<string, string>> = { '"': '&quot;', '<': '&lt;', '>': '&gt;', '&': '&amp;' }
const referring = (text: string, signs: RegExp): string => text.replace(signs, (sign) => AS_REFERENCE[sign] as string)

/** As it may stand between double quotes; undefined for an address that is none of the harmless ones. */
function safeValue(name: string, attribute: string, value: string): string | undefined {
  if (attribute === 'src')
    return name === 'img' && value.length <= MAX_IMAGE_LENGTH && SMALL_IMAGE.test(value) ? value : undefined
  if (attribute === 'href' && !PLAIN_LINK.test(value)) {
    // What our table of references does not know goes out as the letters that it is for us.
    const link = safeLink(decodeEntities(value))
    return link === undefined ? undefined : referring(link, /["<>&]/g)
  }
  return UNSAFE.test(value) ? referring(value, /["<>]/g) : value
}
