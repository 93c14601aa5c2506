"""What a column's name says: hints in a few languages, always weighed together with the values."""

import re
import unicodedata


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


PEOPLE = word_set(
    """
    account applicant borrower buyer cliente client customer driver employee guest household kunde kunden member owner
    patient person student subject subscriber user
    """
)
ENTITY = PEOPLE | word_set("card device machine policy sensor unit vehicle vin")
IDENTIFIER = word_set("guid id idx index key pk record rowid serial uid uuid")
TIME = word_set(
    """
    at created date datetime datum day event fecha invoice month observed on order recorded sampled snapshot
    time timestamp transaction ts when
    """
)
NOT_TIME = word_set(
    """
    birth birthday birthdate dob born geburt geburtsdatum nacimiento naissance expiry expires expiration until
    """
)
SENSITIVE = word_set(
    """
    age alter edad sex sexo geschlecht gender race ethnicity ethnic ethnie marital familienstand religion
    nationality nationalitaet nationalite nacionalidad citizenship disability disabled pregnant pregnancy
    pregnancies sexe
    """
)
PERSON_NAMES = word_set("""firstname lastname surname fullname forename vorname nachname prenom apellido apellidos""")
EMAIL = word_set("email mail")
PHONE = word_set("phone telephone tel mobile telefon telefono cellphone handy")
PERSONAL = word_set("address adresse direccion street strasse ssn iban passport ip")


def words_of(name: str) -> tuple[str, ...]:
    """Split a name into plain lower case words: `customerID` and `customer id` give the same."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return tuple(re.findall(r"[^\W_]+", spaced.lower()))


def hints(name: str, words: frozenset[str]) -> bool:
    """Say whether one of the name's words is among `words`."""
    return not words.isdisjoint(words_of(name))


def hints_identifier(name: str) -> bool:
    """Say whether the name is that of an id, also where it is written as `customerid`."""
    words = words_of(name)
    return not IDENTIFIER.isdisjoint(words) or any(
        word.endswith("id") and word.removesuffix("id") in ENTITY for word in words
    )


def hints_entity(name: str) -> bool:
    """Say whether the name is that of somebody or something with many rows."""
    return any(word in ENTITY or word.removesuffix("id") in ENTITY for word in words_of(name))


def hints_person_name(name: str) -> bool:
    """Say whether the name is that of a person's name."""
    words = words_of(name)
    return not PERSON_NAMES.isdisjoint(words) or (
        "name" in words and not {"first", "last", "full", "middle", "family", "given", *PEOPLE}.isdisjoint(words)
    )
