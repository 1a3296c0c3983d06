/** Decides whether a value that should be text would run in a browser, wherever a page puts it: as text, attribute, URL or script. */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { activePart } from './active-content.ts'
import { scriptText } from './script-text.ts'
import { scanTags } from './tag-scan.ts'

/** Raw or decoded text; give it `inViews`. */
export const scriptInjection: Inspect = (value) => {
  // Quotes are doubled inside of CSV and of SQL.
  const single = value.includes('""') ? value.replaceAll('""', '"') : value
  const found = activeTag(value) ?? (single === value ? undefined : activeTag(single)) ?? scriptText(value)
  return found === undefined ? NOTHING : [strong(...found)]
}

function activeTag(value: string): readonly [reason: string, evidence: string] | undefined {
  if (!value.includes('<')) return undefined
  for (const tag of scanTags(value)) {
    const reason = activePart(tag, value)
    if (reason !== undefined) return [reason, value.slice(tag.at, Math.max(tag.end, tag.at + 40))]
  }
  return undefined
}

const NOTHING: readonly Sighting[] = []

const strong = (reason: string, shown: string): Sighting => ({
  family: 'markup',
  weight: 'strong',
  reason: `markup.${reason}`,
  evidence: evidence(shown),
})
