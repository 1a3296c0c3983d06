/** Decides what the name of a member says of its value, in structured content; most names say nothing. */
import type { SensitiveKind } from './kinds.ts'

const BY_KIND: Readonly<Partial<Record<SensitiveKind, string>>> = {
  secret:
    'password passwd passphrase secret clientsecret apikey secretkey accesstoken refreshtoken idtoken authtoken bearertoken sessiontoken privatekey authorization credential credentials connectionstring xapikey xauthtoken cookie setcookie proxyauthorization secretaccesskey awssecretaccesskey signingkey encryptionkey masterkey webhooksecret appsecret consumersecret sharedsecret accesskeysecret apisecret apitoken personalaccesstoken dbpassword databasepassword userpassword adminpassword rootpassword newpassword oldpassword currentpassword masterpassword keystorepassword clientkeydata pin cvv cvc cvv2 securitycode',
  card: 'cardnumber creditcard creditcardnumber debitcard debitcardnumber ccnumber ccnum pan primaryaccountnumber kartennummer',
  iban: 'iban bankaccount bankaccountnumber accountnumber accountiban kontonummer',
  'national-id':
    'ssn socialsecuritynumber socialsecurity nationalid nationalidnumber nationalinsurancenumber identitycard identitynumber idcardnumber passport passportnumber passportno driverlicense driverslicense driverlicensenumber driverslicensenumber taxid taxidnumber taxpayerid steuerid nino nhsnumber personnummer aadhaar cpf pesel bsn dni curp codicefiscale',
  email: 'email emailaddress mailaddress contactemail useremail',
  phone:
    'phone phonenumber tel telephone telephonenumber mobile mobilenumber mobilephone cellphone cellnumber homephone workphone fax faxnumber contactphone contactnumber telefon telefonnummer handynummer',
  name: 'firstname lastname middlename additionalname nickname fullname surname givenname familyname maidenname birthname patientname customername employeename personname cardholder cardholdername accountholder accountholdername contactname beneficiaryname recipientname nameoncard mothersmaidenname vorname nachname familienname prenom nomdefamille nombrecompleto apellido apellidos',
  address:
    'address adr streetaddress street addressline addressline1 addressline2 homeaddress postaladdress mailingaddress billingaddress shippingaddress deliveryaddress residentialaddress anschrift adresse strasse direccion',
  'birth-date':
    'dob bday dateofbirth birthdate birthday birthdayon borndate geburtsdatum geburtstag datedenaissance fechanacimiento',
}

const KINDS: ReadonlyMap<string, SensitiveKind> = new Map(
  Object.entries(BY_KIND).flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind as SensitiveKind])),
)
const MAX_LENGTH = 40

/** `firstName`, `first_name` and `First name` are one name. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\d]+/gu, '')

/** Undefined for a name that says nothing. */
export const kindOfName = (name: string): SensitiveKind | undefined =>
  name.length > MAX_LENGTH ? undefined : KINDS.get(plainName(name))
