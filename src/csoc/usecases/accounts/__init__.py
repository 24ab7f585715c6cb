"""Linking accounts: who csoc is, begin, verify, look, take back; and sessions for everybody who acts in one."""
