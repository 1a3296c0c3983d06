/** How the upstream that runs code comes to be: its links cost nothing, and all of them share one runner. */
import { Fault } from '../../core/fault.ts'
import type { Params } from '../../mcp/message.ts'
import type { HostIdentity } from '../../sandbox/driver.ts'
import type { Connector, LinkWish } from '../connector.ts'
import type { ManagedLink } from '../link.ts'
import { CodeLink } from './code-link.ts'
import type { Interpreter } from './interpreters.ts'
import type { RunOnce } from './launch.ts'
import { SnippetRunner } from './run-snippet.ts'
import { Scratch } from './scratch.ts'
import type { CodeLimits } from './snippet.ts'

export interface CodeConnectorOptions {
  readonly runOnce: RunOnce
  /** At least one. There is a tool for each. */
  readonly interpreters: readonly Interpreter[]
  readonly limits: CodeLimits
  /** Where the folders of the calls are made, such as the system's folder for temporary files. */
  readonly scratch: string
  /** The account of the snippets, when the gateway changes it: the same that `runOnce` starts them with. */
  readonly runAs?: HostIdentity | undefined
  /** The gateway's own `serverInfo`. */
  readonly gateway: Params
  readonly warn: (message: string, facts: Readonly<Record<string, unknown>>) => void
}

export class CodeConnector implements Connector {
  /** A link remembers whose calls it carries, and nothing else. */
  readonly stateless = false
  readonly #options: CodeConnectorOptions
  readonly #scratch: Scratch
  readonly #runner: SnippetRunner

  constructor(options: CodeConnectorOptions) {
    this.#options = options
    this.#scratch = new Scratch({ parent: options.scratch, runAs: options.runAs, warn: options.warn })
    this.#runner = new SnippetRunner({ ...options, scratch: this.#scratch })
  }

  /** Throws `upstream.unavailable` when there is no interpreter, or no folder to run anything in. */
  async open({ scope }: Pick<LinkWish, 'scope'>): Promise<ManagedLink> {
    const { interpreters, limits, gateway } = this.#options
    if (interpreters.length === 0) throw new Fault('upstream.unavailable', { reason: 'no interpreter was found' })
    try {
      await this.#scratch.open()
    } catch (cause) {
      throw new Fault('upstream.unavailable', { reason: (cause as Error).message }, { cause })
    }
    const languages = interpreters.map(({ language }) => language)
    return new CodeLink({ runner: this.#runner, scope, languages, limits, gateway })
  }

  /** Ends what runs and removes its folders. */
  close(): Promise<void> {
    return this.#runner.close()
  }
}
