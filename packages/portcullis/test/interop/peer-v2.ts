// How the official TypeScript client of the second generation becomes a peer, in each mode of version negotiation.

import {
  Client,
  StreamableHTTPClientTransport,
  type Transport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import { answerForm, type Peer, ROOT, readOutcome, SAMPLE } from './peer.ts'
import type { Place } from './target.ts'
import { trustingFetch } from './trusting-fetch.ts'

/** Connects a client of generation 2 over HTTPS. */
export async function connectV2(place: Place, mode: VersionNegotiationMode): Promise<Peer> {
  const trusting = trustingFetch(place)
  const transport = new StreamableHTTPClientTransport(new URL(place.url), {
    fetch: trusting.fetch,
    requestInit: { headers: { Authorization: `Bearer ${place.token}` } },
  })
  const peer = await connectV2Over(transport, mode)
  const close = async (): Promise<void> => {
    await peer.close()
    await trusting.close()
  }
  return { ...peer, close }
}

/** Connects a client of generation 2 over any transport of its SDK. */
export async function connectV2Over(transport: Transport, mode: VersionNegotiationMode): Promise<Peer> {
  const client = new Client(
    { name: 'interop-v2', version: '1.0.0' },
    { versionNegotiation: { mode }, capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} } },
  )
  answerQuestions(client)
  await client.connect(transport)
  return {
    revision: client.getNegotiatedProtocolVersion() ?? '',
    serverName: client.getServerVersion()?.name ?? '',
    ...questions(client),
    watch: (uri, heard) => watch(client, uri, heard),
    close: () => client.close(),
  }
}

function answerQuestions(client: Client): void {
  client.setRequestHandler('elicitation/create', ({ params }) => ({
    action: 'accept',
    content: 'requestedSchema' in params ? answerForm(params.requestedSchema) : {},
  }))
  client.setRequestHandler('sampling/createMessage', () => SAMPLE)
  client.setRequestHandler('roots/list', () => ({ roots: [ROOT] }))
}

function questions(client: Client): Omit<Peer, 'revision' | 'serverName' | 'watch' | 'close'> {
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, { onProgress, signal } = {}) => {
      const options = {
        ...(onProgress !== undefined && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) }),
        ...(signal !== undefined && { signal }),
      }
      return readOutcome(await client.callTool({ name, arguments: args }, options))
    },
    resourceUris: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    readText: async (uri) => {
      const [content] = (await client.readResource({ uri })).contents
      return content !== undefined && 'text' in content ? content.text : ''
    },
    promptNames: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    promptText: async (name, args) => JSON.stringify((await client.getPrompt({ name, arguments: args })).messages),
    completions: async (prompt, argument, value) => {
      const reference = { type: 'ref/prompt' as const, name: prompt }
      return (await client.complete({ ref: reference, argument: { name: argument, value } })).completion.values
    },
  }
}

async function watch(client: Client, uri: string, heard: (method: string) => void): Promise<void> {
  client.setNotificationHandler('notifications/resources/updated', () => heard('notifications/resources/updated'))
  client.setNotificationHandler('notifications/tools/list_changed', () => heard('notifications/tools/list_changed'))
  if (client.getProtocolEra() === 'modern') {
    await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] })
  } else {
    await client.subscribeResource({ uri })
  }
}
