// How the official TypeScript client of the first generation becomes a peer; it knows the 2025 revisions only.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { answerForm, type Peer, ROOT, readOutcome, SAMPLE } from './peer.ts'
import type { Place } from './target.ts'
import { trustingFetch } from './trusting-fetch.ts'

/** Connects a client of generation 1. */
export async function connectV1(place: Place): Promise<Peer> {
  const trusting = trustingFetch(place)
  const transport = new StreamableHTTPClientTransport(new URL(place.url), {
    fetch: trusting.fetch,
    requestInit: { headers: { Authorization: `Bearer ${place.token}` } },
  })
  const peer = await connectV1Over(transport)
  const close = async (): Promise<void> => {
    await transport.terminateSession()
    await peer.close()
    await trusting.close()
  }
  return { ...peer, revision: transport.protocolVersion ?? '', close }
}

/** Connects a client of generation 1 over any transport of its SDK; the revision is then unknown. */
export async function connectV1Over(transport: Transport): Promise<Peer> {
  const client = new Client(
    { name: 'interop-v1', version: '1.0.0' },
    { capabilities: { elicitation: {}, sampling: {}, roots: {} } },
  )
  answerQuestions(client)
  await client.connect(transport)
  return {
    revision: '',
    serverName: client.getServerVersion()?.name ?? '',
    ...questions(client),
    watch: (uri, heard) => watch(client, uri, heard),
    close: () => client.close(),
  }
}

function answerQuestions(client: Client): void {
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
    action: 'accept',
    content: 'requestedSchema' in params ? answerForm(params.requestedSchema) : {},
  }))
  client.setRequestHandler(CreateMessageRequestSchema, () => SAMPLE)
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [ROOT] }))
}

function questions(client: Client): Omit<Peer, 'revision' | 'serverName' | 'watch' | 'close'> {
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, { onProgress, signal } = {}) => {
      const options = {
        ...(onProgress !== undefined && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) }),
        ...(signal !== undefined && { signal }),
      }
      return readOutcome(await client.callTool({ name, arguments: { ...args } }, undefined, options))
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
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ method }) => heard(method))
  client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) => heard(method))
  await client.subscribeResource({ uri })
}
