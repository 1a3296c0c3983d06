import { isRecord, type Params } from './message.ts'

/**
 * What an upstream may ask of a client: only what the client declared for this request, no secrets by form, only https
 * links (MCP 2026-07-28 elicitation, "Security Considerations"; MRTR, "Server Requirements").
 * Returns the reason for a refusal, or undefined.
 */
export function problemOfAsk(method: unknown, params: Params, capabilities: Params): string | undefined {
  switch (method) {
    case 'sampling/createMessage':
      return isRecord(capabilities['sampling']) ? undefined : 'sampling was not declared'
    case 'roots/list':
      return isRecord(capabilities['roots']) ? undefined : 'roots was not declared'
    case 'elicitation/create':
      return problemOfElicitation(params, capabilities['elicitation'])
    default:
      return 'the method is not known'
  }
}

function problemOfElicitation(params: Params, declared: unknown): string | undefined {
  if (!isRecord(declared)) return 'elicitation was not declared'
  if (params['mode'] === 'url') return problemOfUrl(params['url'], declared)
  // An empty declaration means form mode (MCP 2025-11-25 elicitation, "Capabilities").
  if (!isRecord(declared['form']) && isRecord(declared['url'])) return 'form elicitation was not declared'
  const secret = secretField(params['requestedSchema'])
  return secret === undefined ? undefined : `the form asks for a secret (${secret})`
}

function problemOfUrl(url: unknown, declared: Params): string | undefined {
  if (!isRecord(declared['url'])) return 'url elicitation was not declared'
  if (typeof url !== 'string' || !URL.canParse(url)) return 'the link is not a URL'
  const { protocol, username, password } = new URL(url)
  if (protocol !== 'https:') return 'the link is not https'
  return username || password ? 'the link carries credentials' : undefined
}

const SECRET_NAME =
  /pass(word|phrase|code)|secret|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|token|credential|\bpin\b|\botp\b|cvv|seed[-_ ]?phrase/i

/** Name of the first field that would carry a secret. */
function secretField(schema: unknown): string | undefined {
  const properties = isRecord(schema) ? schema['properties'] : undefined
  if (!isRecord(properties)) return undefined
  for (const [name, field] of Object.entries(properties)) {
    if (
      isRecord(field) &&
      (field['format'] === 'password' || SECRET_NAME.test(name) || SECRET_NAME.test(String(field['title'] ?? '')))
    ) {
      return name
    }
  }
  return undefined
}
