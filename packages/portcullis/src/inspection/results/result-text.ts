/** Decides what an inspector of results is shown: one string at a time, what it is written in, and where it stood. */
import type { Claimed } from '../claim.ts'
import type { Sighting, Weight } from '../finding.ts'
import type { Verdict } from '../verdict.ts'

/**
 * What a text is written in, as whoever displays it would take it.
 *
 * - `html`, `svg`, `xml`: by its media type, or because it begins like that.
 * - `markdown`: everything else that people read; clients display it so.
 * - `ui`: a program for the sandboxed frame of a client (`ui://`).
 * - `source`: text of a media type that nobody displays as markup, such as CSS.
 * - `data`: a string inside of structured content, read by programs.
 * - `address`: the URI of a resource.
 * - `binary`: base64 of what is no text.
 * - `name`: the name of a member of structured content.
 */
export type TextKind = 'html' | 'svg' | 'xml' | 'markdown' | 'ui' | 'source' | 'data' | 'address' | 'binary' | 'name'

export interface ResultText {
  readonly text: string
  readonly kind: TextKind
  /** Who waits for what is found in it. */
  readonly by?: Claimed
}

export interface TextFindings {
  readonly sightings: readonly Sighting[]
  /** Follows at least, whatever the configuration says of such sightings. */
  readonly least?: Verdict
  /** The text without what has one of these weights. Absent where that cannot be said: then nothing of the text stays. */
  readonly clean?: (weights: ReadonlySet<Weight>) => string | Promise<string>
}

/** Looks at one text. Synchronous unless the text is large or somebody else is asked. */
export type TextInspect = (text: ResultText) => TextFindings | Promise<TextFindings>

export const NOTHING_FOUND: TextFindings = { sightings: [] }
