/** Decides what is done about the markup of one text, by what it is written in. */
import { evidence, type Sighting, type Weight } from '../finding.ts'
import { cleaned } from './clean-here.ts'
import type { Cleaned } from './cleaned.ts'
import { markdownFindings } from './markdown-edits.ts'
import { NOTHING_FOUND, type ResultText, type TextFindings, type TextInspect } from './result-text.ts'
import { cleanXml } from './xml-cleaner.ts'

/** Programs for the sandboxed frame of a client are what they are; see `ui-inspect.ts`. */
export const markupInspect: TextInspect = (given) => {
  const { kind, text } = given
  if (kind === 'html' || kind === 'svg') return markup(given, kind)
  if (kind === 'xml') return xml(given)
  if (kind === 'markdown') return markdownFindings(text)
  return kind === 'address' && RUNNABLE.test(text.replace(SKIPPED, ''))
    ? { sightings: [sighting('script-link', 'strong', text)], clean: () => 'about:blank' }
    : NOTHING_FOUND
}

const RUNNABLE =
  /^(?:javascript|vbscript|livescript|data:(?!image\/(?:png|jpe?g|gif|webp);)|blob|filesystem|jar|view-source|search-ms|ms-[a-z-]+|shell):?/i
// oxlint-disable-next-line no-control-regex -- browsers skip them in a scheme
const SKIPPED = /[\0-\x20\x7f-\xa0]+/g

function markup({ text, by }: ResultText, kind: 'html' | 'svg'): TextFindings | Promise<TextFindings> {
  const found = cleaned(text, kind, by)
  return found instanceof Promise ? found.then((one) => markupFindings(text, one)) : markupFindings(text, found)
}

function markupFindings(text: string, found: Cleaned | undefined): TextFindings {
  if (found === undefined) return { sightings: [sighting('too-deep', 'strong', text)] }
  const { text: clean, active, hasExternalImages } = found
  const sightings: Sighting[] = []
  if (active.length > 0) sightings.push(sighting('active', 'strong', active.join(' ')))
  if (hasExternalImages)
    sightings.push(sighting('external-image', 'strong', text.slice(Math.max(0, text.search(/<img/i)))))
  return sightings.length === 0 ? NOTHING_FOUND : { sightings, clean: () => clean }
}

/** What is XML for one reader is HTML for another: with elements of a page in it, it has to be safe as one. */
function xml(given: ResultText): TextFindings | Promise<TextFindings> {
  const { text, active } = cleanXml(given.text)
  if (HTML_INSIDE.test(given.text)) return markup(given, 'html')
  return active.length === 0
    ? NOTHING_FOUND
    : { sightings: [sighting('active-xml', 'strong', active.join(' '))], clean: () => text }
}

const HTML_INSIDE =
  /<(?:[\w.-]+:)?(?:script|iframe|object|embed|img|svg|math|style|form|input|base|meta|video|audio|frameset|body|html|foreignobject|animate|set|use|image)[\s/>]|[\s"'/]on[a-z]{3,40}\s{0,16}=/i

const sighting = (reason: string, weight: Weight, shown: string): Sighting => ({
  family: 'markup',
  weight,
  reason: `markup.${reason}`,
  evidence: evidence(shown),
})
