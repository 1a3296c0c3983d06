// Names of members in published vocabularies, and whether what they hold is a person's: for names that say what a value is.
// OpenID Connect Core 1.0 section 5.1, SCIM (RFC 7643), vCard (RFC 6350), schema.org Person, HL7 FHIR Patient, PCI terms.
const words = (text) => text.split(/\s+/).filter(Boolean)

export const VOCABULARIES = [
  {
    name: 'OpenID Connect claims',
    personal: words('given_name family_name middle_name email birthdate phone_number street_address'),
    other: words(
      'sub profile picture website email_verified zoneinfo locale phone_number_verified updated_at region country',
    ),
  },
  {
    name: 'SCIM users',
    personal: words('familyName givenName middleName streetAddress password'),
    other: words(
      'userType title preferredLanguage locale timezone active region country department organization roles externalId',
    ),
  },
  {
    name: 'schema.org Person',
    personal: words('givenName familyName additionalName birthDate telephone email address faxNumber taxID'),
    other: words('jobTitle worksFor alumniOf award brand knowsLanguage nationality url sameAs description image'),
  },
  {
    name: 'vCard',
    personal: words('fn n nickname bday adr tel email'),
    other: words('version kind gender tz geo title role org categories note prodid rev uid url'),
  },
  {
    name: 'payment forms',
    personal: words(
      'cardNumber card_number cvv cvc cardholderName name_on_card iban billing_address accountNumber pan',
    ),
    other: words('amount currency expiry status merchantId orderId description createdAt reference'),
  },
]
