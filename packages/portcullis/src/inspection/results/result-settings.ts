/** What a configuration says about results, beside verdicts, and which word counts for one tool. */

/** Of everything, of one upstream, or of one tool. */
export interface ResultRules {
  /** UI resources: as they are, as source that no client displays, or not at all. */
  readonly ui?: 'keep' | 'source' | 'refuse'
  /** Marks texts of tools as what they are, for the model: between delimiters, or word by word. */
  readonly spotlight?: 'none' | 'delimiters' | 'datamarking'
  /** Tells the caller in `_meta` that something was found, and the incident; never what. */
  readonly mark?: boolean
}

export interface ToolResultRules extends ResultRules {
  /** JSON pointers into `structuredContent` (`*` for any element) of strings that are displayed, and cleaned like text. */
  readonly marked?: readonly string[]
}

/** What counts for one message. */
export interface ResultSettings {
  readonly ui: 'keep' | 'source' | 'refuse'
  readonly spotlight: 'none' | 'delimiters' | 'datamarking'
  readonly mark: boolean
  readonly marked: readonly string[]
}

/** The nearest word counts; `levels` from the nearest to the farthest. */
export function resultSettings(levels: readonly (ToolResultRules | undefined)[]): ResultSettings {
  const nearest = <Name extends keyof ToolResultRules>(name: Name) =>
    levels.find((level) => level?.[name] !== undefined)?.[name]
  return {
    ui: nearest('ui') ?? 'keep',
    spotlight: nearest('spotlight') ?? 'none',
    mark: nearest('mark') ?? false,
    marked: nearest('marked') ?? [],
  }
}
