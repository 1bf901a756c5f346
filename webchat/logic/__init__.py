"""LOGIC: the decisions: accounts, friends, chat, presence; and the hub that parks polls and wakes them."""
