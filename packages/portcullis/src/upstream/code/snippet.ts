/** The nouns of run-code: what a caller wants to have run, how much it may be, and what became of it. */

export type Language = 'javascript' | 'python' | 'shell'

/** One piece of code with what it needs. Checked: see `arguments.ts`. */
export interface Snippet {
  readonly language: Language
  readonly code: string
  readonly stdin: string
  readonly files: readonly SnippetFile[]
  readonly timeoutMs: number
}

export interface SnippetFile {
  /** Relative, with `/`; see `file-name.ts`. */
  readonly path: string
  readonly bytes: Buffer
}

export interface CodeLimits {
  /** The longest that a snippet may run, and what it gets when it asks for nothing. */
  readonly timeoutMs: number
  readonly maxCodeBytes: number
  readonly maxStdinBytes: number
  /** Files that a caller gives, and those that it gets back. */
  readonly maxFiles: number
  /** Bytes of all files that a caller gives together. */
  readonly maxFileBytes: number
  /** Standard output and standard error, each. */
  readonly maxOutputBytes: number
  /** Bytes of all files that a caller gets back together; a file beyond it is named without its content. */
  readonly maxReturnedBytes: number
  /** Snippets that run at the same time. */
  readonly maxRunning: number
  /** Those of one scope, so that no scope can take all the places. */
  readonly maxRunningOfScope: number
}

/** Why it ended: by itself, or because a limit was reached. */
export type SnippetEnd = 'exited' | 'timeout' | 'memory' | 'disk' | 'killed'

export interface Outcome {
  readonly end: SnippetEnd
  /** As a shell shows it: 128 and the number of the signal when one ended it. Null when the sandbox was ended. */
  readonly exitCode: number | null
  /** The signal that `exitCode` stands for. */
  readonly signal?: string
  readonly stdout: string
  readonly stderr: string
  readonly files: readonly OutcomeFile[]
  /** Standard output, standard error or the files are not whole. */
  readonly truncated: boolean
}

export interface OutcomeFile {
  readonly path: string
  /** In bytes. */
  readonly size: number
  /** When the file is UTF-8 text without control characters. */
  readonly content?: string
  /** Anything else. */
  readonly base64?: string
}
