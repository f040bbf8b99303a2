"""What every service of Caselight is made of: events, delivery, storage, access, privacy and the web edge."""
