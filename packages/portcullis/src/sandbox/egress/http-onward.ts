/** Carries the requests of one client connection to one host, one after the other, over a connection of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { http } from '../../core/node-http.ts'
import type { NetworkRule } from '../access.ts'
import { backwardHeaders, onwardHeaders } from './http-head.ts'
import type { MeteredSocket } from './metered-socket.ts'
import type { Checked } from './reach.ts'
import { type Reason, Refused } from './refused.ts'
import type { Attempt } from './report.ts'
import { hostHeader } from './target.ts'
import type { WayOut } from './way-out.ts'

/** A host that was decided about. */
export interface Site {
  readonly host: string
  readonly port: number
  readonly scheme: 'http' | 'https'
  /** Set where the host was checked before its first request; nothing else is dialled then. */
  readonly checked?: Checked
}

export const DEFAULT_PORTS = { http: 80, https: 443 } as const
export const MAX_HEAD_BYTES = 65_536

export interface Passage {
  readonly site: Site
  readonly path: string
  readonly rule: NetworkRule
  readonly attempt: Attempt
  /** Called instead of an answer when there is none; nothing was written to the client then. */
  readonly onFailure: (reason: Reason) => void
}

export class Onward {
  readonly #wayOut: WayOut
  readonly #gone: AbortSignal
  #agent: SiteAgent | undefined

  constructor(wayOut: WayOut, gone: AbortSignal) {
    this.#wayOut = wayOut
    this.#gone = gone
  }

  /**
   * Passes the request on and its answer back, and reports to `attempt` when all is over. Throws what Node throws for a
   * request that cannot be written; nothing is dialled then.
   */
  pass(request: IncomingMessage, response: ServerResponse, passage: Passage): void {
    const { site, path, rule, attempt, onFailure } = passage
    const agent = this.#agentFor(site, rule)
    const onward = http.request({
      agent,
      method: request.method,
      path,
      host: site.host,
      port: site.port,
      headers: onwardHeaders(request, hostHeader(site.host, site.port, DEFAULT_PORTS[site.scheme]), rule.inject),
      setHost: false,
      maxHeaderSize: MAX_HEAD_BYTES,
    })
    onward.on('socket', () => agent.way !== undefined && attempt.goesOver(agent.way))
    let answered: IncomingMessage | undefined
    onward.on('response', (answer) => {
      answered = answer
      giveBack(request, answer, response)
    })
    const fail = (reason: Reason) => {
      attempt.fail(reason)
      if (response.headersSent) response.destroy()
      else onFailure(reason)
    }
    onward.on('error', (problem) => fail(reasonOfFailure(problem, agent)))
    // Nobody asked for another protocol (status 101). Without a listener the program would wait for ever.
    onward.once('upgrade', (_answer, stream) => {
      stream.destroy()
      fail('protocol')
    })
    response.once('close', () => {
      attempt.end()
      // A connection whose answer is complete is kept for the next request.
      if (answered?.complete !== true) onward.destroy()
    })
    request.pipe(onward)
    request.once('close', () => !request.complete && onward.destroy())
  }

  close(): void {
    this.#agent?.destroy()
  }

  #agentFor(site: Site, rule: NetworkRule): SiteAgent {
    const current = this.#agent
    if (current?.serves(site) === true) return current
    current?.destroy()
    this.#agent = new SiteAgent(site, () => this.#open(site, rule))
    return this.#agent
  }

  async #open({ host, port, scheme, checked }: Site, rule: NetworkRule): Promise<OpenWay> {
    const to = checked ?? (await this.#wayOut.check(host, rule))
    const way = await this.#wayOut.connect(to, port, this.#gone)
    return { way, stream: scheme === 'https' ? await this.#wayOut.secure(way, host) : way }
  }
}

interface OpenWay {
  readonly way: MeteredSocket
  /** The way itself, or TLS on it. */
  readonly stream: Duplex
}

/** Keeps at most one connection, and only to its one site. */
class SiteAgent extends http.Agent {
  way: MeteredSocket | undefined
  readonly #site: Site
  readonly #open: () => Promise<OpenWay>
  #destroyed = false

  constructor(site: Site, open: () => Promise<OpenWay>) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
    this.#site = site
    this.#open = open
  }

  serves({ host, port, scheme }: Site): boolean {
    return this.#site.host === host && this.#site.port === port && this.#site.scheme === scheme
  }

  override createConnection(_options: object, done?: (problem: Error | null, stream: Duplex) => void): undefined {
    this.#open().then(
      ({ way, stream }) => {
        this.way = way
        if (this.#destroyed) way.destroy()
        done?.(null, stream)
      },
      (problem: Error) => done?.(problem, undefined as unknown as Duplex),
    )
  }

  override destroy(): void {
    this.#destroyed = true
    this.way?.destroy()
    super.destroy()
  }
}

function giveBack(request: IncomingMessage, answer: IncomingMessage, response: ServerResponse): void {
  // The rest of a body that nobody waits for would be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false
  response.sendDate = false
  try {
    response.writeHead(answer.statusCode ?? 502, backwardHeaders(answer))
  } catch {
    answer.destroy()
    response.destroy()
    return
  }
  pipeline(answer, response, () => {})
}

function reasonOfFailure(problem: Error, agent: SiteAgent): Reason {
  return problem instanceof Refused ? problem.reason : (agent.way?.cut ?? 'unreachable')
}
