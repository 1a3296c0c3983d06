/** What is counted of the way to upstreams, and how long sessions last: the rest of the MCP conventions of OpenTelemetry. */
import { Family, Histogram } from './family.ts'
import type { Reading } from './reading.ts'

/** One request to an upstream that has ended. */
export interface Requested {
  readonly upstream: string
  readonly method: string
  /** Empty where the request names no tool. */
  readonly tool: string
  /** Empty when it went well. */
  readonly errorType: string
  readonly seconds: number
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
const MAX_HISTOGRAMS = 500

export class UpstreamMetrics {
  readonly #requests = new Family(
    ['upstream', 'mcp_method_name', 'gen_ai_tool_name', 'error_type'],
    () => new Histogram(SECONDS),
    MAX_HISTOGRAMS,
  )
  readonly #links = new Family(['upstream', 'network_transport'], () => new Histogram(SECONDS), MAX_HISTOGRAMS)
  readonly #sessions = new Histogram(SECONDS)

  requested({ upstream, method, tool, errorType, seconds }: Requested): void {
    this.#requests.of(upstream, method, tool, errorType).observe(seconds)
  }

  /** A link to an upstream has ended; `transport` is `tcp` or `pipe`. */
  linkEnded(upstream: string, transport: string, seconds: number): void {
    this.#links.of(upstream, transport).observe(seconds)
  }

  /** A session of a client (2025 revisions) has ended. */
  sessionEnded(seconds: number): void {
    this.#sessions.observe(seconds)
  }

  get readings(): readonly Reading[] {
    const histograms = (name: string, help: string, family: Family<Histogram>): Reading => {
      const values = family.entries.map(({ labels, cell }) => ({ labels, value: cell }))
      return { name, help, type: 'histogram', values }
    }
    return [
      histograms(
        'mcp_client_operation_duration_seconds',
        'Time from a request to an upstream to its answer.',
        this.#requests,
      ),
      histograms('mcp_client_session_duration_seconds', 'How long links to upstreams lasted.', this.#links),
      {
        name: 'mcp_server_session_duration_seconds',
        help: 'How long sessions of clients lasted.',
        type: 'histogram',
        values: [{ labels: {}, value: this.#sessions }],
      },
    ]
  }
}
