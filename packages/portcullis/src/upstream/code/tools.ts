/** The tools as they are listed: one for each language, with every quantity bounded. */
import type { Params } from '../../mcp/message.ts'
import type { CodeLimits, Language } from './snippet.ts'

const PREFIX = 'run_'

const toolName = (language: Language): string => `${PREFIX}${language}`

/** The language of a tool's name; undefined for any other. */
export function languageOf(name: unknown, languages: readonly Language[]): Language | undefined {
  return languages.find((language) => toolName(language) === name)
}

const KINDS: Readonly<Record<Language, string>> = {
  javascript: 'JavaScript with Node.js (CommonJS or ES modules, no packages)',
  python: 'Python 3 (the standard library)',
  shell: 'a POSIX shell script',
}

/** The definition of one tool (MCP "Tools"). */
export function toolOf(language: Language, limits: CodeLimits): Params {
  return {
    name: toolName(language),
    title: `Run ${language}`,
    description: `Runs ${KINDS[language]} in a sandbox that is thrown away afterwards. ${RULES}`,
    inputSchema: inputSchema(limits),
    outputSchema: OUTPUT_SCHEMA,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  }
}

const RULES =
  'The working folder is empty but for the given files; files that are new or changed in it are returned. ' +
  'Nothing is kept between two calls. Print the result, or write it into a file.'

function inputSchema(limits: CodeLimits): Params {
  const seconds = limits.timeoutMs / 1_000
  return {
    type: 'object',
    properties: {
      code: { type: 'string', maxLength: limits.maxCodeBytes, description: 'The program.' },
      stdin: { type: 'string', maxLength: limits.maxStdinBytes, description: 'What it reads from standard input.' },
      files: {
        type: 'array',
        maxItems: limits.maxFiles,
        description: `Files for its working folder, at most ${limits.maxFileBytes} bytes together.`,
        items: fileSchema(limits),
      },
      timeoutSeconds: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: seconds,
        description: `After which it is ended. Default: ${seconds}.`,
      },
    },
    required: ['code'],
    additionalProperties: false,
  }
}

const fileSchema = ({ maxFileBytes }: CodeLimits): Params => ({
  type: 'object',
  properties: {
    path: { type: 'string', minLength: 1, maxLength: 512, description: 'Relative, such as data/input.csv.' },
    content: { type: 'string', maxLength: maxFileBytes, description: 'Text.' },
    base64: { type: 'string', maxLength: Math.ceil(maxFileBytes / 3) * 4, description: 'Bytes, instead of content.' },
  },
  required: ['path'],
  additionalProperties: false,
})

const OUTPUT_SCHEMA: Params = {
  type: 'object',
  properties: {
    exitCode: {
      type: ['integer', 'null'],
      description: 'Exit status; 128 and the number of the signal that ended it. Null when the sandbox was ended.',
    },
    signal: { type: 'string', description: 'The signal that the exit status stands for.' },
    end: {
      type: 'string',
      enum: ['exited', 'timeout', 'memory', 'disk', 'killed'],
      description: 'Why it ended: by itself, or because a limit was reached.',
    },
    stdout: { type: 'string', description: 'Standard output as UTF-8 text; other bytes are replaced.' },
    stderr: { type: 'string', description: 'Standard error as UTF-8 text; other bytes are replaced.' },
    truncated: { type: 'boolean', description: 'Whether output or files are not whole.' },
    files: {
      type: 'array',
      description: 'Files that are new or changed. One without content was too large.',
      items: {
        type: 'object',
        properties: {
          path: { type: 'string' },
          size: { type: 'integer', minimum: 0, description: 'In bytes.' },
          content: { type: 'string', description: 'When it is UTF-8 text.' },
          base64: { type: 'string', description: 'Anything else.' },
        },
        required: ['path', 'size'],
        additionalProperties: false,
      },
    },
  },
  required: ['exitCode', 'end', 'stdout', 'stderr', 'truncated', 'files'],
  additionalProperties: false,
}
