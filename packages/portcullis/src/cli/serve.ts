/** `portcullis serve`: runs the gateway until it is told to end, then lets running calls finish. */
import { createLogger, stderrLogger } from '../audit/log.ts'
import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import { weaknesses } from '../config/weaknesses.ts'
import { administration } from '../admin/administration.ts'
import { startGateway } from '../gateway/gateway.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'
import { keepCodeWarm } from './warm-code.ts'
import { letYoungSpaceGrow } from './young-space.ts'

export interface ServeOptions extends ConfigOption {
  readonly port?: string
}

/** `interrupted` after SIGINT, `ok` after SIGTERM. What keeps the gateway from starting is thrown. */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<ExitStatus> {
  keepCodeWarm()
  const { file, config: written } = openConfig(options, terminal)
  const config = withPort(written, options.port)
  const log = await openLog(config)
  for (const { path, word, meaning } of weaknesses(config)) log.warn('weakness', { path, word, meaning })
  const gateway = await startGateway({ config, configFile: file, log, administration })
  letYoungSpaceGrow()
  terminal.out(`Portcullis listens at ${gateway.url}`)
  await aborted(terminal.interrupted)
  terminal.err('Ending: running calls are finished, new ones refused. Once more ends at once.')
  await gateway.close()
  return terminal.interrupted.reason === 'SIGINT' ? EXIT.interrupted : EXIT.ok
}

function withPort(config: Config, text: string | undefined): Config {
  if (text === undefined) return config
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new CommandError(EXIT.usage, '--port is a number from 0 to 65535')
  return { ...config, listen: { ...config.listen, port } }
}

async function openLog({ audit }: Config): Promise<Logger> {
  const { level, file } = audit.log
  if (file === undefined) return stderrLogger(level)
  const { createWriteStream } = await import('node:fs')
  const sink = createWriteStream(file, { flags: 'a', mode: 0o600 })
  await new Promise((resolve, reject) => sink.once('open', resolve).once('error', reject))
  return createLogger({ level, format: 'json', sink })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
