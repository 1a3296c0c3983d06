/** Decides whether a value that names something (a host, a file, an id) would be read as an option by the program that gets it. */
import { evidence, type Inspect, type Sighting } from '../finding.ts'

/** `-oProxyCommand=…`, `--upload-pack=…`; a negative number is none, nor is a hyphen alone, which stands for standard input. */
const OPTION = /^\s*(?:-[a-z?#@]|--[a-z])/i
/** On Windows: `/c`, `/format:…`. Longer ones are paths. */
const SWITCH = /^\s*\/(?:[a-z?](?:$|[\s:=])|(?:format|node|transform|install|config|run)[:=])/i

/** For identifiers, paths and hosts only: elsewhere a hyphen begins a list or a sentence. */
export const optionInjection: Inspect = (value) => {
  if (!OPTION.test(value) && !SWITCH.test(value)) return NOTHING
  return [{ family: 'command', weight: 'strong', reason: 'command.option', evidence: evidence(value) }]
}

const NOTHING: readonly Sighting[] = []
