"""Why a recount ends without a verdict; its exit codes are those of all of Adtally's commands."""


class Failure(Exception):
    """Told as it is."""

    exit_code = 1


class Usage(Failure):
    """The command line, or a file it names, is wrong."""

    exit_code = 2


class Incomplete(Failure):
    """What there is does not suffice for a verdict."""

    exit_code = 3


class Unavailable(Failure):
    """A server does not answer."""

    exit_code = 69


class Configuration(Failure):
    """A setting is missing or wrong."""

    exit_code = 78
