"""Who somebody is: logins by OpenID Connect."""
