"""What each address of the page answers, by subject. A GET changes nothing; both changes, launch and cancel, are POSTs, and audited."""
