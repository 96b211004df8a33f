using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Guarding;

/// <summary>A connection to the system bus.</summary>
internal sealed class SystemBusHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        _ = SystemBusLibrary.CloseBus(handle);
        return true;
    }
}
