using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Guarding;

/// <summary>A message of the system bus.</summary>
internal sealed class BusMessageHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        _ = SystemBusLibrary.UnrefMessage(handle);
        return true;
    }
}
