/** The table of routes as an OpenAPI 3.1 document. */
import { schemaOf } from './fields.ts'
import { ADMIN_BASE } from './match.ts'
import { type AdminRoute, queryOf } from './route.ts'

const REFUSALS = {
  400: 'Not valid.',
  401: 'Not signed in.',
  403: 'Another role is needed.',
  404: 'Not there.',
} as const

/** Deterministic, so that the file in the documents can be compared with it. */
export function openApi(routes: readonly AdminRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = (paths[ADMIN_BASE + route.path] ??= {})
    path[route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis administration',
      version,
      description:
        'Every change is one record in the audit chain of its tenant before it is made, with digests before and after. Roles are those of the caller; `x-roles` names those that may.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Refusal: REFUSAL },
    },
  }
}

function operation(route: AdminRoute): object {
  const { name, summary, may, reach, body, status, ifMatch } = route
  return {
    operationId: name,
    summary,
    'x-roles': may,
    'x-reach': reach,
    parameters: parametersOf(route),
    ...(body && {
      requestBody: {
        required: Object.values(body).some((field) => !field.isOptional),
        content: { 'application/json': { schema: schemaOf(body) } },
      },
    }),
    responses: {
      [status]: { description: 'Done.', content: { 'application/json': { schema: { type: 'object' } } } },
      ...Object.fromEntries(Object.entries(REFUSALS).map(([code, told]) => [code, refusal(told)])),
      ...(ifMatch !== 'never' && { 412: refusal('Somebody else has changed it meanwhile.') }),
      ...(ifMatch === 'needed' && { 428: refusal('If-Match is needed.') }),
    },
  }
}

function parametersOf(route: AdminRoute): readonly object[] {
  const { path, ifMatch } = route
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...Object.entries(queryOf(route)).map(([name, { schema, isOptional }]) => ({
      name,
      in: 'query',
      required: !isOptional,
      schema,
    })),
    ...(ifMatch === 'never'
      ? []
      : [{ name: 'If-Match', in: 'header', required: ifMatch === 'needed', schema: { type: 'string' } }]),
  ]
}

const refusal = (description: string): object => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
})

const REFUSAL = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string' },
        data: { type: 'object', properties: { code: { type: 'string' }, incident: { type: 'string' } } },
      },
    },
  },
}
