/** An upstream of the modern era that is ours: it answers from this process, and runs what it is given elsewhere. */
import type { Cancellation } from '../../core/cancellation.ts'
import { Fault } from '../../core/fault.ts'
import type { ErrorResponse, Id, Params, Response } from '../../mcp/message.ts'
import { MODERN_VERSION } from '../../mcp/versions.ts'
import type { LinkEvents, LinkRequest, ManagedLink, ServerFacts } from '../link.ts'
import { NotASnippet, snippetOf } from './arguments.ts'
import type { SnippetRunner } from './run-snippet.ts'
import type { CodeLimits, Language, Outcome } from './snippet.ts'
import { languageOf, toolOf } from './tools.ts'

export interface CodeLinkOptions {
  readonly runner: SnippetRunner
  /** Whose calls the link carries. */
  readonly scope: string
  /** Those whose program was found. */
  readonly languages: readonly Language[]
  readonly limits: CodeLimits
  /** The gateway's own `serverInfo`. */
  readonly gateway: Params
}

/** The tools change with the configuration only, hence with the process. */
const TTL_MS = 3_600_000

export class CodeLink implements ManagedLink {
  readonly era = 'modern'
  readonly server: ServerFacts
  readonly #options: CodeLinkOptions
  #inFlight = 0
  #closed = false

  constructor(options: CodeLinkOptions) {
    this.#options = options
    this.server = { protocolVersion: MODERN_VERSION, capabilities: { tools: {} }, serverInfo: options.gateway }
  }

  get closed(): boolean {
    return this.#closed
  }

  get inFlight(): number {
    return this.#inFlight
  }

  async request(request: LinkRequest, _events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    if (this.#closed) throw new Fault('upstream.ended', { reason: 'the upstream was closed' })
    const { id, method } = request
    if (method === 'tools/list') return this.#list(id)
    if (method !== 'tools/call') return failure(id, -32601, 'Method not found.')
    this.#inFlight++
    try {
      return await this.#call(request, cancellation)
    } finally {
      this.#inFlight--
    }
  }

  /** There is none that would mean anything here. */
  async notify(): Promise<void> {}

  /** What runs is the connector's to end; it outlives a link that was idle. */
  async close(): Promise<void> {
    this.#closed = true
  }

  #list(id: Id): Response {
    const { languages, limits } = this.#options
    const tools = languages.map((language) => toolOf(language, limits))
    return complete(id, { tools, ttlMs: TTL_MS, cacheScope: 'public' })
  }

  async #call({ id, params, incident }: LinkRequest, cancellation: Cancellation): Promise<Response> {
    const { languages, limits, runner, scope } = this.#options
    const language = languageOf(params['name'], languages)
    if (language === undefined) return failure(id, -32602, 'Unknown tool.')
    try {
      const snippet = snippetOf(language, params['arguments'] ?? {}, limits)
      return complete(id, resultOf(await runner.run(snippet, { scope, incident }, cancellation)))
    } catch (thrown) {
      if (!(thrown instanceof NotASnippet)) throw thrown
      return complete(id, { content: [{ type: 'text', text: thrown.message }], isError: true })
    }
  }
}

/** As structured content, and as text for clients that know no other (MCP "Structured Content"). */
const resultOf = (outcome: Outcome): Params => ({
  content: [{ type: 'text', text: JSON.stringify(outcome) }],
  structuredContent: outcome,
  isError: outcome.end !== 'exited' || outcome.exitCode !== 0,
})

const complete = (id: Id, result: Params): Response => ({
  jsonrpc: '2.0',
  id,
  result: { resultType: 'complete', ...result },
})

const failure = (id: Id, code: number, message: string): ErrorResponse => ({
  jsonrpc: '2.0',
  id,
  error: { code, message },
})
