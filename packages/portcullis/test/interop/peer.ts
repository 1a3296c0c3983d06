// What every client must be able to do, in words that both SDK generations share.

/** The end of a tool call, as a test reads it. */
export interface Outcome {
  /** All text blocks, joined. */
  readonly text: string
  /** Types of the content blocks in their order. */
  readonly blocks: readonly string[]
  readonly isError: boolean
  readonly structured: unknown
}

/** Options of one call. */
export interface CallOptions {
  readonly onProgress?: (progress: number) => void
  readonly signal?: AbortSignal
}

/** A connected client with answers for every question: it accepts forms, samples "Paris" and has one root. */
export interface Peer {
  /** Revision that both sides agreed on. */
  readonly revision: string
  readonly serverName: string
  toolNames(): Promise<readonly string[]>
  call(name: string, args?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<Outcome>
  resourceUris(): Promise<readonly string[]>
  readText(uri: string): Promise<string>
  promptNames(): Promise<readonly string[]>
  promptText(name: string, args: Readonly<Record<string, string>>): Promise<string>
  completions(prompt: string, argument: string, value: string): Promise<readonly string[]>
  /** Calls `heard` with the method of every change notice about `uri` or the list of tools. */
  watch(uri: string, heard: (method: string) => void): Promise<void>
  close(): Promise<void>
}

/** What the peer answers to a form: one value that fits each field that the fixture asks for. */
export const FORM_ANSWER: Readonly<Record<string, string | boolean>> = {
  username: 'alice',
  email: 'alice@example.org',
  name: 'Alice',
  ok: true,
  color: 'blue',
}

/** The fields of {@link FORM_ANSWER} that `schema` asks for. */
export function answerForm(schema: unknown): Record<string, string | boolean> {
  const { properties } = schema as { properties: Readonly<Record<string, unknown>> }
  return Object.fromEntries(Object.entries(FORM_ANSWER).filter(([name]) => name in properties))
}

/** The one root that the peer has. */
export const ROOT = { uri: 'file:///work', name: 'Work' }

/** What the peer's model says. */
export const SAMPLE = {
  role: 'assistant' as const,
  content: { type: 'text' as const, text: 'Paris' },
  model: 'test-model',
  stopReason: 'endTurn',
}

/** A tool result of either SDK, read as an {@link Outcome}. */
export function readOutcome(result: object): Outcome {
  const { content, isError, structuredContent } = result as Readonly<Record<string, unknown>>
  const blocks = (content ?? []) as readonly { type: string; text?: string }[]
  return {
    text: blocks.map((block) => block.text ?? '').join(''),
    blocks: blocks.map((block) => block.type),
    isError: isError === true,
    structured: structuredContent,
  }
}
