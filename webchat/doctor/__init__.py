"""`webchat doctor`: is everything as it should be here? Each finding says what is and, if it is not well, what helps.

It looks and asks and changes nothing. A module for each part of the body; `examination` is the one that knows them all.
"""
