"""Rows of notifications: pages, their messages and links, reviews of old news, and what is known of each referral."""
