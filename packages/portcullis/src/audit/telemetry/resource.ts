/** What a collector is told of the gateway that speaks to it. */
import { type AttributeValues, otlpAttributes } from './otlp-value.ts'

export interface Resource {
  /** `service.name`. */
  readonly name: string
  readonly version: string
  /** Of this process alone: `service.instance.id`. */
  readonly instance: string
  readonly host: string
  /** Further attributes of the operator's choice. */
  readonly attributes: Readonly<Record<string, string>>
}

export const resourceJson = ({ name, version, instance, host, attributes }: Resource): string => {
  const own: AttributeValues = {
    ...attributes,
    'service.name': name,
    'service.version': version,
    'service.instance.id': instance,
    'host.name': host,
  }
  return JSON.stringify({ attributes: otlpAttributes(own) })
}
