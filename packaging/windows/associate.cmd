@echo off
rem Opens review sessions (*.overrule) with the overrule.exe beside this file, for the present user.
reg add "HKCU\Software\Classes\.overrule" /ve /d "Overrule.Session" /f >nul
reg add "HKCU\Software\Classes\Overrule.Session" /ve /d "Overrule review session" /f >nul
reg add "HKCU\Software\Classes\Overrule.Session\shell\open\command" /ve /d "\"%~dp0overrule.exe\" \"%%1\"" /f >nul
echo *.overrule opens with %~dp0overrule.exe
